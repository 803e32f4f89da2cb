/**
 * Which brokers a local cluster has, and which of them each process talks to. The one place that knows: a layout
 * with a hub and brokers per cell is another return value of {@link planTopology} and no other change.
 */
export interface BrokerPlan {
  kind: "nats" | "redis";
  id: string;
  /** The cell that it belongs to; none for one that all share. */
  cell?: string;
  port: number;
}

export interface Topology {
  /** The brokers to start, in this order. */
  brokers: BrokerPlan[];
  /** The NATS server for a process of this cell; without one, for gateways, the admin API and tools. */
  natsUrl(cell?: string): string;
  /** The Redis server for this cell's presence. */
  redisUrl(cell?: string): string;
}

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
  return { brokers, natsUrl: () => natsUrl, redisUrl: () => redisUrl };
}
