import { type Dashboard, processRow, quantiles, rate, rateBy } from "./panels.js";

export const overview: Dashboard = {
  uid: "plexus-overview",
  title: "Plexus: overview",
  about:
    "Whether users are served, and what is wrong where they are not. Cells, gateways and tenants have their own.",
  variables: [],
  rows: [
    {
      title: "Promises",
      panels: [
        {
          title: "Publishes that fail, last hour",
          unit: "percentunit",
          kind: "stat",
          about: "unavailable, timeout, internal. The objective is 0.1 %.",
          lines: [["", "plexus_objective:publish_errors:ratio_rate1h"]],
        },
        {
          title: "Publishes slower than 0.25 s, last hour",
          unit: "percentunit",
          kind: "stat",
          about: "From receipt to ok. The objective is 1 %.",
          lines: [["", "plexus_objective:publish_slow:ratio_rate1h"]],
        },
        {
          title: "Resets per record, last hour",
          unit: "percentunit",
          kind: "stat",
          about: "Channels that went on without proof that nothing is missing. The objective is 0.01 %.",
          lines: [["", "plexus_objective:delivery_resets:ratio_rate1h"]],
        },
        { title: "Connections", unit: "short", kind: "stat", lines: [["", "sum(plexus_connections)"]] },
        {
          title: "Not asked, since it does not answer",
          unit: "short",
          kind: "stat",
          about: "Open circuit breakers: log, log_reads, redis, connect_hook.",
          lines: [["", "sum(plexus_breaker_open)"]],
        },
        {
          title: "Processes away",
          unit: "short",
          kind: "stat",
          lines: [["", 'count(up{process=~".+"} == 0) or vector(0)']],
        },
      ],
    },
    {
      title: "Messages",
      panels: [
        { title: "Publishes by outcome", unit: "ops", lines: rateBy("outcome", "plexus_publishes_total") },
        { title: "Publish to ok", unit: "s", lines: quantiles("plexus_publish_seconds") },
        {
          title: "Frames handed to subscribers",
          unit: "ops",
          lines: rate("deliveries", "plexus_deliveries_total"),
        },
        { title: "Errors told to clients", unit: "ops", lines: rateBy("code", "plexus_errors_total") },
        {
          title: "Messages stored by cell",
          unit: "ops",
          lines: rateBy("cell", "plexus_stored_messages_total"),
        },
        {
          title: "Channels in memory by cell",
          unit: "short",
          lines: [["{{cell}}", "sum by (cell) (plexus_actors)"]],
        },
      ],
    },
    {
      title: "Cells and changes of them",
      panels: [
        {
          title: "Partitions with an owner",
          unit: "short",
          about: "64 in each cell; a few more for a moment, when they change hands.",
          lines: [["{{cell}}", "sum by (cell) (plexus_partitions_owned)"]],
        },
        { title: "Channels given away", unit: "ops", lines: rateBy("cell", "plexus_channels_moved_total") },
        {
          title: "Not asked, since it does not answer",
          unit: "short",
          lines: [["{{cell}} {{instance}} {{dependency}}", "plexus_breaker_open > 0"]],
        },
      ],
    },
    {
      title: "Admin API",
      panels: [
        { title: "Requests by status", unit: "ops", lines: rateBy("status", "plexus_admin_requests_total") },
        {
          title: "Changes",
          unit: "ops",
          lines: [
            [
              "{{action}} {{outcome}}",
              "sum by (action, outcome) (rate(plexus_admin_changes_total[$__rate_interval]))",
            ],
          ],
        },
        {
          title: "Wrong tokens; event streams",
          unit: "short",
          lines: [
            [
              "wrong tokens per second: {{outcome}}",
              "sum by (outcome) (rate(plexus_admin_failed_logins_total[$__rate_interval]))",
            ],
            ["open event streams", "sum(plexus_admin_event_streams)"],
          ],
        },
      ],
    },
    processRow(""),
  ],
};
