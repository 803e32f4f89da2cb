/**
 * What operations cost, as it was measured, and what is assumed where nothing was. The one place of these figures: a test
 * holds the measured ones against the documents that they are from.
 */

export interface Measured {
  readonly value: number;
  readonly document: string;
  /** What is measured there. */
  readonly says: string;
  readonly date: string;
  readonly machine: string;
  /** Finds the figure in the document. */
  readonly pattern: RegExp;
}

export interface Assumed {
  readonly value: number;
  readonly because: string;
}

const MACHINE = "2 virtual cores, Node 20.20, nats-server 2.9.10, Redis 7.0, the load generator on the same";
const BENCHMARKS = { document: "docs/benchmarks.md", date: "23 November 2026", machine: MACHINE };
/** Joins and reads of history, while other work kept the machine busy. Taken anew, these become BENCHMARKS. */
const GROW = {
  document: "docs/grow.md",
  date: "22 November 2026",
  machine: `${MACHINE}, which other work kept busy`,
};

/** Rows of the benchmarks that say what each process spends on one of these. */
const PUBLISH = { section: "Publish", row: "Plexus, 500 channels", one: "publish" };
const PRESENCE = { section: "Presence", row: "1,250 members, 500/s", one: "change" };
const NEWEST_PAGE = { section: "History", row: "newest page", one: "read" };
const DEEP_PAGES = { section: "History", row: "pages at saturation", one: "read" };

function spent({ section, row, one }: typeof PUBLISH, by: "gateway" | "worker" | "NATS", us: number) {
  const says = `${section}: ${row}, ${by} µs per ${one}`;
  return { ...BENCHMARKS, value: us, says, pattern: new RegExp(`${row} \\|.*${by} ([\\d,.]+)`) };
}

export const COSTS = {
  publishGatewayUs: spent(PUBLISH, "gateway", 6.8),
  publishWorkerUs: spent(PUBLISH, "worker", 7.1),
  publishNatsUs: spent(PUBLISH, "NATS", 7.7),
  appendsPerLog: {
    ...BENCHMARKS,
    value: 71_356,
    says: "Publish: Plexus, 500 channels, acknowledged a second in one cell",
    pattern: /Plexus, 500 channels \| ([\d,]+)/,
  },
  connectionKiB: {
    ...BENCHMARKS,
    value: 6.57,
    says: "Connections: resident KiB of a gateway for each, channels shared by 100, with garbage",
    pattern: /a gateway, channels shared by 100 \| [\d.]+ \| ([\d.]+)/,
  },
  gatewayBaseMiB: {
    ...GROW,
    value: 93,
    says: "Costs: memory of a gateway without connections",
    pattern: /a gateway without connections \| ([\d.]+) MiB/,
  },
  deliveryGatewayUs: {
    ...GROW,
    value: 3.9,
    says: "Costs: a delivery to one more member",
    pattern: /a delivery to one more member \| ([\d.]+) µs/,
  },
  arrivalGatewayUs: {
    ...GROW,
    value: 1_310,
    says: "Costs: a connection that comes with 10 subscriptions, and goes",
    pattern: /a connection that comes with 10 subscriptions, and goes \| ([\d,]+) µs/,
  },
  presenceWorkerUs: {
    ...GROW,
    value: 159,
    says: "Costs: a member that comes or goes, at the worker",
    pattern: /a member that comes or goes \| ([\d.]+) µs/,
  },
  presenceNatsUs: spent(PRESENCE, "NATS", 125),
  presenceRedisUs: {
    ...GROW,
    value: 33,
    says: "Costs: a member that comes or goes, at Redis",
    pattern: /a member that comes or goes \|.*?([\d.]+) µs of Redis/,
  },
  historyGatewayUs: spent(NEWEST_PAGE, "gateway", 488),
  historyWorkerUs: spent(NEWEST_PAGE, "worker", 350),
  historyNatsUs: spent(NEWEST_PAGE, "NATS", 213),
  deepGatewayUs: spent(DEEP_PAGES, "gateway", 397),
  deepWorkerUs: spent(DEEP_PAGES, "worker", 2_164),
  deepNatsUs: spent(DEEP_PAGES, "NATS", 1_562),
  presenceGatewayUs: {
    value: 15,
    because: "as much as a publish takes there, beside those who are told of it; not measured by itself",
  },
  webhookUs: { value: 300, because: "an HTTP request with a signature, one event each; not measured" },
  controlPerS: {
    value: 2,
    because: "each process says what is used and how it is, which all others hear; heartbeats stay in a cell",
  },
  controlBaseMiB: { value: 150, because: "somewhat more than a worker without channels; not measured" },
  natsConnectionKiB: { value: 64, because: "buffers of a connection to NATS; not measured" },
  connectionsPerGateway: {
    value: 50_000,
    because: "the default of PLEXUS_MAX_CONNECTIONS; 10,000 were measured",
  },
  actorsPerWorker: { value: 200_000, because: "the default of PLEXUS_MAX_ACTORS" },
  relayGatewayUs: {
    value: 15,
    because: "as much as a publish takes there: a record is received, ordered and handed to the sockets",
  },
  idleGatewayUsPerS: { value: 1, because: "a ping and its pong each 20 s, 10 µs each" },
  socketKiB: { value: 8, because: "what the operating system keeps for a quiet TCP connection" },
  relayKiB: { value: 10, because: "a tail of some 20 messages, of at most 128 KiB" },
  workerBaseMiB: { value: 120, because: "somewhat more than a gateway without connections" },
  actorKiB: { value: 15, because: "a tail of some 20 messages and the ids of two minutes" },
  recordNatsUs: { value: 4, because: "a message from one NATS client to another, of which many were tried" },
  natsBaseMiB: { value: 100, because: "a server with JetStream and some hundred connections" },
  natsSubjectKiB: { value: 0.5, because: "what a stream remembers of one subject" },
  redisBaseMiB: { value: 50, because: "an empty server and its buffers" },
  presenceMemberBytes: { value: 500, because: "a field with a user, a state and its name" },
  storedOverheadBytes: { value: 100, because: "subject, headers and checksum of a stored record" },
  frameOverheadBytes: { value: 70, because: "WebSocket, TLS, TCP and IP headers, one record each" },
} as const satisfies Record<string, Measured | Assumed>;

export type CostName = keyof typeof COSTS;

export function isMeasured(cost: Measured | Assumed): cost is Measured {
  return "document" in cost;
}
