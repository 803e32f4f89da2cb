import { boundsRow, type Dashboard, processRow, quantiles, rate, rateBy } from "./panels.js";

const IN = '{cell=~"$cell"}';

export const cell: Dashboard = {
  uid: "plexus-cell",
  title: "Plexus: cell",
  about: "The workers of a cell, its log, its presence, and the channels that come and go.",
  variables: [{ name: "cell", from: "plexus_partitions_owned", label: "cell" }],
  rows: [
    {
      title: "Log",
      panels: [
        {
          title: "Messages and records stored",
          unit: "ops",
          about: "The more messages share a record, the busier the log.",
          lines: [
            ...rate("messages", "plexus_stored_messages_total", IN),
            ...rate("records", "plexus_stored_records_total", IN),
          ],
        },
        {
          title: "Wait in the mailbox",
          unit: "s",
          about: "From a publish's arrival at the worker to the record that takes it.",
          lines: quantiles("plexus_mailbox_seconds", IN),
        },
        { title: "Append", unit: "s", lines: quantiles("plexus_append_seconds", IN) },
        { title: "Questions to the log", unit: "s", lines: quantiles("plexus_log_question_seconds", IN) },
        { title: "Commands to Redis", unit: "s", lines: quantiles("plexus_redis_seconds", IN) },
        { title: "Reading a channel back", unit: "s", lines: quantiles("plexus_channel_load_seconds", IN) },
        {
          title: "Appends whose fate had to be read",
          unit: "ops",
          lines: rateBy("instance", "plexus_append_verifications_total", IN),
        },
        {
          title: "Not asked, since it does not answer",
          unit: "short",
          lines: [["{{instance}} {{dependency}}", `plexus_breaker_open${IN}`]],
        },
        {
          title: "Idle channels shortened",
          unit: "ops",
          lines: rateBy("cell", "plexus_idle_channels_trimmed_total", IN),
        },
      ],
    },
    {
      title: "Channels",
      panels: [
        {
          title: "Actors, and their bound",
          unit: "short",
          lines: [
            ["{{instance}}", `plexus_actors${IN}`],
            ["bound", `max(plexus_bound{cell=~"$cell",bound="actors"})`],
          ],
        },
        {
          title: "Records kept in memory for those who read the past",
          unit: "bytes",
          lines: [["{{instance}}", `plexus_actor_tail_bytes${IN}`]],
        },
        {
          title: "Commands refused at that bound",
          unit: "ops",
          lines: rateBy("instance", "plexus_actors_refused_total", IN),
        },
        {
          title: "Partitions by worker",
          unit: "short",
          lines: [["{{instance}}", `plexus_partitions_owned${IN}`]],
        },
        {
          title: "Live workers, as each sees them",
          unit: "short",
          about: "Lines that differ for longer than seconds: workers that do not hear each other.",
          lines: [["{{instance}}", `plexus_cell_workers${IN}`]],
        },
        { title: "Commands", unit: "ops", lines: rateBy("kind", "plexus_commands_total", IN) },
        {
          title: "Commands answered with an error",
          unit: "ops",
          lines: rateBy("code", "plexus_command_errors_total", IN),
        },
        {
          title: "Commands dropped after a pause",
          unit: "ops",
          about: "This process did not run for a while: too little CPU, or it was frozen.",
          lines: rateBy("instance", "plexus_commands_dropped_total", IN),
        },
      ],
    },
    {
      title: "Moving",
      panels: [
        {
          title: "Channels opened here",
          unit: "ops",
          lines: rateBy("outcome", "plexus_take_overs_total", IN),
        },
        {
          title: "Channels given away",
          unit: "ops",
          lines: rateBy("cell", "plexus_channels_moved_total", IN),
        },
        {
          title: "Operations parked",
          unit: "short",
          lines: [["{{instance}}", `increase(plexus_moves_parked_total${IN}[1h])`]],
        },
      ],
    },
    {
      title: "Presence and bots",
      panels: [
        {
          title: "Leases that ended",
          unit: "ops",
          lines: [
            ...rate("gateways", "plexus_gateway_leases_ended_total", IN),
            ...rate("bots", "plexus_bot_leases_ended_total", IN),
          ],
        },
        {
          title: "Requests of bots",
          unit: "ops",
          lines: [
            [
              "{{operation}} {{outcome}}",
              `sum by (operation, outcome) (rate(plexus_bot_requests_total${IN}[$__rate_interval]))`,
            ],
          ],
        },
        {
          title: "Requests of bots without an answer yet",
          unit: "short",
          lines: [["{{instance}}", `plexus_bot_requests_open${IN}`]],
        },
      ],
    },
    {
      title: "Fairness",
      panels: [
        {
          title: "Lag of the event loop, smoothed",
          unit: "s",
          about: "Above PLEXUS_FAIR_LAG_MS work is shared out between tenants.",
          lines: [["{{instance}}", `plexus_lag_seconds${IN}`]],
        },
        {
          title: "Part of the time that the event loop is busy, smoothed",
          unit: "percentunit",
          about: "Above PLEXUS_FAIR_UTILIZATION work is shared out between tenants.",
          lines: [["{{instance}}", `plexus_loop_utilization${IN}`]],
        },
        {
          title: "Part of the time without a processor, smoothed",
          unit: "percentunit",
          about: "Above PLEXUS_FAIR_STARVATION work is shared out between tenants.",
          lines: [["{{instance}}", `plexus_starvation${IN}`]],
        },
        {
          title: "Tenants that get less",
          unit: "short",
          lines: [["{{instance}}", `plexus_tenants_limited${IN}`]],
        },
      ],
    },
    boundsRow(IN),
    processRow(IN),
  ],
};
