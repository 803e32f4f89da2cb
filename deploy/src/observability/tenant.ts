import { type Dashboard, rateBy } from "./panels.js";

const OF = '{tenant=~"$tenant"}';

export const tenant: Dashboard = {
  uid: "plexus-tenant",
  title: "Plexus: tenant",
  about: "What a tenant uses, what it is refused, and what becomes of its webhooks.",
  variables: [{ name: "tenant", from: "plexus_tenant_connections", label: "tenant" }],
  rows: [
    {
      title: "Use",
      panels: [
        {
          title: "Connections",
          unit: "short",
          lines: [["{{tenant}}", `sum by (tenant) (plexus_tenant_connections${OF})`]],
        },
        { title: "Messages in", unit: "ops", lines: rateBy("tenant", "plexus_tenant_messages_in_total", OF) },
        {
          title: "Messages out",
          unit: "ops",
          lines: rateBy("tenant", "plexus_tenant_messages_out_total", OF),
        },
        {
          title: "Refused at a limit",
          unit: "ops",
          lines: [
            [
              "{{tenant}} {{limit}}",
              `sum by (tenant, limit) (rate(plexus_tenant_refused_total${OF}[$__rate_interval]))`,
            ],
          ],
        },
        {
          title: "History kept",
          unit: "bytes",
          about: "Of tenants that have a quota for it.",
          lines: [
            ["{{tenant}}", `sum by (tenant) (max by (tenant, cell) (plexus_tenant_history_bytes${OF}))`],
          ],
        },
      ],
    },
    {
      title: "Webhooks",
      panels: [
        {
          title: "Requests",
          unit: "ops",
          lines: [
            [
              "{{webhook}} {{outcome}}",
              `sum by (webhook, outcome) (rate(plexus_webhook_requests_total${OF}[$__rate_interval]))`,
            ],
          ],
        },
        {
          title: "Events dealt with",
          unit: "ops",
          lines: rateBy("webhook", "plexus_webhook_events_total", OF),
        },
        {
          title: "Entries that wait",
          unit: "short",
          lines: [["{{webhook}} {{lane}}", `sum by (webhook, lane) (plexus_webhook_lag${OF})`]],
        },
        {
          title: "Dead letters, order waived, last hour",
          unit: "short",
          lines: [
            [
              "{{webhook}} dead letters",
              `sum by (webhook) (increase(plexus_webhook_dead_letters_total${OF}[1h]))`,
            ],
            ["order waived, of all tenants", "sum(increase(plexus_webhook_order_waived_total[1h]))"],
          ],
        },
        {
          title: "How long webhooks take, of all tenants",
          unit: "s",
          lines: [
            [
              "p99",
              "histogram_quantile(0.99, sum by (le) (rate(plexus_webhook_request_seconds_bucket[$__rate_interval])))",
            ],
          ],
        },
      ],
    },
    {
      title: "Lifecycle events, of all tenants",
      panels: [
        {
          title: "Active processes",
          unit: "short",
          about: "One, always.",
          lines: [["active", "sum(plexus_hooks_active)"]],
        },
        {
          title: "Entries not read yet; events not written yet",
          unit: "short",
          lines: [
            ["{{instance}} unread", "plexus_lifecycle_lag"],
            ["{{instance}} unwritten", "plexus_lifecycle_owed"],
          ],
        },
        { title: "Derived events", unit: "ops", lines: rateBy("kind", "plexus_lifecycle_derived_total") },
        {
          title: "Followed",
          unit: "short",
          lines: [
            ["connections", "max(plexus_lifecycle_connections)"],
            ["channels", "max(plexus_lifecycle_channels)"],
          ],
        },
      ],
    },
  ],
};
