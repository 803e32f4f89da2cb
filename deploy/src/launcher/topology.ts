import { ClusterError } from "./errors.js";

/** Which brokers a local cluster has, and which of them each process talks to: the one place that knows. */
export interface BrokerPlan {
  kind: "nats" | "redis";
  id: string;
  /** The cell that it belongs to; none for one that all share. */
  cell?: string;
  port: number;
  /** NATS: the JetStream domain, where there are several servers. */
  domain?: string;
  /** NATS: the port where the hub takes leaf nodes, … */
  leafPort?: number;
  /** … and the hub's, for a leaf node. */
  hubLeafPort?: number;
}

export interface Topology {
  /** The brokers to start, in this order. */
  brokers: BrokerPlan[];
  /** The NATS server for a process of this cell; without one, for gateways, the admin API and tools. */
  natsUrl(cell?: string): string;
  /** The Redis server for this cell's presence. */
  redisUrl(cell?: string): string;
  /** Plans what a new cell needs; the brokers to start for it. */
  addCell(cell: string): Promise<BrokerPlan[]>;
  /** More environment for workers. */
  workerEnv: Record<string, string>;
}

/** JetStream domain of the hub, where every cell has a NATS server of its own. */
const HUB_DOMAIN = "hub";

export interface ExternalBrokers {
  natsUrl?: string | undefined;
  redisUrl?: string | undefined;
}

/**
 * @param external brokers that exist already; none of that kind is started
 * @param takePort gives a free port of 127.0.0.1
 */
export async function planTopology(
  external: ExternalBrokers,
  takePort: () => Promise<number>,
): Promise<Topology> {
  const brokers: BrokerPlan[] = [];
  let { natsUrl, redisUrl } = external;
  if (natsUrl === undefined) {
    const port = await takePort();
    brokers.push({ kind: "nats", id: "nats", port });
    natsUrl = `nats://127.0.0.1:${port}`;
  }
  if (redisUrl === undefined) {
    const port = await takePort();
    brokers.push({ kind: "redis", id: "redis", port });
    redisUrl = `redis://127.0.0.1:${port}`;
  }
  const addCell = async () => [];
  return { brokers, natsUrl: () => natsUrl, redisUrl: () => redisUrl, addCell, workerEnv: {} };
}

/**
 * Every cell for itself: a hub for gateways, directory and admin API, and for each cell a NATS server (a leaf node
 * of the hub with its own JetStream domain) and a Redis server. What happens to one cell's brokers is felt by no
 * other.
 */
export async function planIsolatedTopology(
  cells: readonly string[],
  takePort: () => Promise<number>,
): Promise<Topology> {
  const leafPort = await takePort();
  const hub: BrokerPlan = {
    kind: "nats",
    id: "nats-hub",
    port: await takePort(),
    domain: HUB_DOMAIN,
    leafPort,
  };
  const ports = new Map<string, { nats: number; redis: number }>();
  const addCell = async (cell: string): Promise<BrokerPlan[]> => {
    if (ports.has(cell)) return [];
    const [nats, redis] = [await takePort(), await takePort()];
    ports.set(cell, { nats, redis });
    return [
      { kind: "nats", id: `nats-${cell}`, cell, port: nats, domain: cell, hubLeafPort: leafPort },
      { kind: "redis", id: `redis-${cell}`, cell, port: redis },
    ];
  };
  const brokers = [hub];
  for (const cell of cells) brokers.push(...(await addCell(cell)));
  const portsOf = (cell: string) => {
    const found = ports.get(cell);
    if (found === undefined) throw new ClusterError(`cell ${cell} has no brokers here`);
    return found;
  };
  return {
    brokers,
    natsUrl: (cell) => `nats://127.0.0.1:${cell === undefined ? hub.port : portsOf(cell).nats}`,
    redisUrl: (cell = cells[0]!) => `redis://127.0.0.1:${portsOf(cell).redis}`,
    addCell,
    workerEnv: { PLEXUS_HUB_DOMAIN: HUB_DOMAIN },
  };
}
