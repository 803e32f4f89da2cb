import { boundsRow, type Dashboard, processRow, quantiles, rate, rateBy } from "./panels.js";

const IN = '{process="gateway",instance=~"$gateway"}';

export const gateway: Dashboard = {
  uid: "plexus-gateway",
  title: "Plexus: gateway",
  about: "Connections, what they ask for, and how channels are followed.",
  variables: [{ name: "gateway", from: "plexus_connections", label: "instance" }],
  rows: [
    {
      title: "Connections",
      panels: [
        {
          title: "Connections, and their bound",
          unit: "short",
          lines: [
            ["{{instance}}", `plexus_connections${IN}`],
            ["bound", `max(plexus_bound{bound="connections",process="gateway",instance=~"$gateway"})`],
          ],
        },
        {
          title: "Closed, by close code",
          unit: "ops",
          lines: rateBy("code", "plexus_connections_closed_total", IN),
        },
        {
          title: "Refused before they were open",
          unit: "ops",
          lines: rateBy("reason", "plexus_connections_refused_total", IN),
        },
        {
          title: "Tokens looked at",
          unit: "ops",
          lines: [
            [
              "{{kind}} {{outcome}}",
              `sum by (kind, outcome) (rate(plexus_authentications_total${IN}[$__rate_interval]))`,
            ],
          ],
        },
        {
          title: "Keys and connect hook",
          unit: "ops",
          lines: [
            ["JWKS {{outcome}}", `sum by (outcome) (rate(plexus_jwks_fetches_total${IN}[$__rate_interval]))`],
            ["hook {{outcome}}", `sum by (outcome) (rate(plexus_connect_hook_total${IN}[$__rate_interval]))`],
          ],
        },
        {
          title: "Revocations in force",
          unit: "short",
          lines: [["{{instance}}", `plexus_revocations${IN}`]],
        },
      ],
    },
    {
      title: "Frames",
      panels: [
        { title: "Frames from clients", unit: "ops", lines: rateBy("op", "plexus_frames_in_total", IN) },
        { title: "Errors told to clients", unit: "ops", lines: rateBy("code", "plexus_errors_total", IN) },
        {
          title: "Refused: too many per second",
          unit: "ops",
          lines: rateBy("kind", "plexus_connection_rate_limited_total", IN),
        },
        {
          title: "Publishes by outcome",
          unit: "ops",
          lines: rateBy("outcome", "plexus_publishes_total", IN),
        },
        { title: "Publish to ok", unit: "s", lines: quantiles("plexus_publish_seconds", IN) },
        {
          title: "Record to socket",
          unit: "s",
          about:
            "From when a record was made to its hand-over, for each subscriber; as good as the clocks agree.",
          lines: quantiles("plexus_deliver_seconds", IN),
        },
        {
          title: "Bytes of messages",
          unit: "Bps",
          lines: [...rate("in", "plexus_bytes_in_total", IN), ...rate("out", "plexus_bytes_out_total", IN)],
        },
        {
          title: "Batches of publishes; refused at a bound",
          unit: "ops",
          lines: [
            ...rate("messages", "plexus_publish_messages_total", IN),
            ...rate("batches", "plexus_publish_batches_total", IN),
            [
              "refused: {{bound}}",
              `sum by (bound) (rate(plexus_publish_refused_total${IN}[$__rate_interval]))`,
            ],
          ],
        },
      ],
    },
    {
      title: "Commands to cells",
      panels: [
        { title: "Commands", unit: "ops", lines: rateBy("kind", "plexus_router_commands_total", IN) },
        {
          title: "Sent again, failed",
          unit: "ops",
          lines: [
            [
              "again: {{reason}}",
              `sum by (reason) (rate(plexus_router_retries_total${IN}[$__rate_interval]))`,
            ],
            ["failed: {{code}}", `sum by (code) (rate(plexus_router_failures_total${IN}[$__rate_interval]))`],
          ],
        },
        {
          title: "Without an answer yet",
          unit: "short",
          lines: [["{{instance}}", `plexus_router_outstanding${IN}`]],
        },
      ],
    },
    {
      title: "Channels followed here",
      panels: [
        { title: "Relays", unit: "short", lines: [["{{instance}}", `plexus_relays${IN}`]] },
        {
          title: "Records in, frames out",
          unit: "ops",
          lines: [
            ...rate("records", "plexus_relay_records_total", IN),
            ...rate("frames", "plexus_deliveries_total", IN),
          ],
        },
        {
          title: "Gaps fetched, resets",
          unit: "ops",
          lines: [
            ...rate("gaps", "plexus_relay_repairs_total", IN),
            ...rate("resets", "plexus_relay_resets_total", IN),
          ],
        },
        { title: "Recoveries", unit: "ops", lines: rateBy("outcome", "plexus_recoveries_total", IN) },
        {
          title: "Pages of the past that were shared",
          unit: "ops",
          lines: rate("pages", "plexus_recovery_pages_shared_total", IN),
        },
        {
          title: "Records kept for recoveries",
          unit: "bytes",
          lines: [["{{instance}}", `plexus_relay_tail_bytes${IN}`]],
        },
        {
          title: "Messages spared to slow readers",
          unit: "ops",
          lines: rate("messages", "plexus_skipped_messages_total", IN),
        },
        {
          title: "Presence sent to actors",
          unit: "ops",
          lines: rateBy("kind", "plexus_presence_announcements_total", IN),
        },
        {
          title: "Lifecycle events; frames that can't be read",
          unit: "ops",
          lines: [
            [
              "events: {{outcome}}",
              `sum by (outcome) (rate(plexus_lifecycle_events_total${IN}[$__rate_interval]))`,
            ],
            ...rate("unreadable", "plexus_untranscodable_frames_total", IN),
          ],
        },
      ],
    },
    boundsRow(IN),
    processRow(IN),
  ],
};
