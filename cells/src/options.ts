import { brokerUrl, commonOptions, fairnessOptions, integer, name, option } from "@plexus/runtime";

export const workerOptions = {
  ...commonOptions,
  ...fairnessOptions,
  cell: option({ env: "PLEXUS_CELL", type: name, doc: "Cell that this worker belongs to, as in eu-1." }),
  region: option({ env: "PLEXUS_REGION", type: name, doc: "Region of the cell, as in eu." }),
  workerId: option({
    env: "PLEXUS_WORKER_ID",
    type: name,
    doc: "Name of this worker, unique within its cell.",
  }),
  redisUrl: option({
    env: "REDIS_URL",
    type: brokerUrl,
    default: "redis://127.0.0.1:6379",
    doc: "The cell's Redis, which holds presence.",
  }),
  hubDomain: option<string | undefined>({
    env: "PLEXUS_HUB_DOMAIN",
    type: name.optional(),
    default: undefined,
    doc: "JetStream domain of the hub, where each cell has a NATS server of its own (domain: the cell's name); unset where all share one.",
  }),
  maxActors: option({
    env: "PLEXUS_MAX_ACTORS",
    type: integer(1, 10_000_000),
    default: 200_000,
    doc: "Channels that may be in memory at once; an idle one takes 2 to 3 KB.",
  }),
  idleActorMs: option({
    env: "PLEXUS_IDLE_ACTOR_MS",
    type: integer(100, 86_400_000),
    default: 120_000,
    doc: "Milliseconds without a command after which a channel is put away; it costs one question to the log to bring back.",
  }),
  appendDeadlineMs: option({
    env: "PLEXUS_APPEND_DEADLINE_MS",
    type: integer(50, 60_000),
    default: 2_000,
    doc: "Milliseconds until an append without an answer is looked up in the log.",
  }),
  readDeadlineMs: option({
    env: "PLEXUS_READ_DEADLINE_MS",
    type: integer(50, 60_000),
    default: 2_000,
    doc: "Milliseconds until a question to the log fails.",
  }),
  logReplicas: option({
    env: "PLEXUS_LOG_REPLICAS",
    type: integer(1, 5),
    default: 1,
    doc: "Copies of the cell's log; more than 1 needs a NATS cluster of 2.10 or newer.",
  }),
  logMaxBytes: option({
    env: "PLEXUS_LOG_MAX_BYTES",
    type: integer(-1, Number.MAX_SAFE_INTEGER),
    default: -1,
    doc: "Bytes after which the log refuses new records; -1 for no bound but the disk's. One that the log has outgrown is not put in force.",
  }),
  movesPerSecond: option({
    env: "PLEXUS_MOVES_PER_SECOND",
    type: integer(1, 1_000_000),
    default: 2_000,
    doc: "Quiet channels that a cell gives away per second at most while it drains; those in use move at once.",
  }),
  concurrentMoves: option({
    env: "PLEXUS_CONCURRENT_MOVES",
    type: integer(1, 1_000),
    default: 16,
    doc: "Quiet channels that a cell gives away at the same time.",
  }),
  parkAfterMs: option({
    env: "PLEXUS_PARK_AFTER_MS",
    type: integer(0, 86_400_000),
    default: 300_000,
    doc: "Milliseconds for which moving channels is tried again without any progress; then the operation is parked until an operator has it run again.",
  }),
  cellGraceMs: option({
    env: "PLEXUS_CELL_GRACE_MS",
    type: integer(1_000, 3_600_000),
    default: 15_000,
    doc: "Milliseconds without an answer after which the other cells declare a cell down.",
  }),
  historyBytesIntervalMs: option({
    env: "PLEXUS_HISTORY_BYTES_INTERVAL_MS",
    type: integer(100, 3_600_000),
    default: 60_000,
    doc: "Milliseconds between two measurements of what the log holds of tenants with a quota for it, at least; that is how long one may go on beyond its quota.",
  }),
  retentionPaceMs: option({
    env: "PLEXUS_RETENTION_PACE_MS",
    type: integer(1, 60_000),
    default: 10,
    doc: "Milliseconds between two channels while old messages of channels that nobody uses are looked for.",
  }),
};
