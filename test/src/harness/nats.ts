/** A plain NATS client: what a bot in any language has. */
import { connect, type NatsConnection } from "nats";

export type { NatsConnection } from "nats";

/** @param name shows in the server's logs */
export function plainNats(url: string, name = "test"): Promise<NatsConnection> {
  return connect({ servers: url, name, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
}
