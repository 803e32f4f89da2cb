import { type KV, Kvm } from "@nats-io/kv";
import { hubJetStream } from "./hub.js";
import type { Logger } from "./log.js";
import type { NatsConnection } from "./nats.js";

/** Of a process's options those that say where the hub's buckets are, and how they are made. */
export interface HubOptions {
  /** JetStream domain of the hub, as {@link hubJetStream} takes it. */
  readonly hubDomain?: string | undefined;
  /** Copies of a bucket that is made; 1 where it is left out. */
  readonly hubReplicas?: number;
}

/**
 * Opens a NATS KV bucket of the hub, and makes it where it is missing. One that is there stays as it is, also where it
 * has fewer copies than it should: that is told, since to raise it is an operator's decision.
 */
export async function hubBucket(
  nats: NatsConnection,
  log: Logger,
  { name, ...limits }: { name: string; history: number; ttl?: number },
  { hubDomain, hubReplicas: replicas = 1 }: HubOptions,
): Promise<KV> {
  // Only the leader of the copies is asked: a direct get may be answered by one that is behind what was just written.
  const options = { ...limits, replicas, allow_direct: false };
  const kv = await new Kvm(hubJetStream(nats, hubDomain)).create(name, options);
  if (replicas === 1) return kv;
  const { replicas: copies } = await kv.status();
  if (copies < replicas)
    log.warn(
      { bucket: name, copies, command: `nats stream edit KV_${name} --replicas ${replicas}` },
      `bucket ${name} has fewer copies than PLEXUS_HUB_REPLICAS says`,
    );
  return kv;
}
