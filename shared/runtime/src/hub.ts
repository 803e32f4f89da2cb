import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "./nats.js";

/** JetStream of the hub, from wherever one is connected; `domain` is undefined where there is only one server. */
export function hubJetStream(nats: NatsConnection, domain: string | undefined): JetStreamClient {
  return jetstream(nats, domain === undefined ? {} : { domain });
}
