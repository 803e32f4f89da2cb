import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "./nats.js";

/** JetStream of the hub, from wherever one is connected; `domain` is undefined where there is only one server. */
export function hubJetStream(nats: NatsConnection, domain: string | undefined): JetStreamClient {
  return jetstream(nats, domain === undefined ? {} : { domain });
}

/**
 * What streams there are, and what they hold, in a domain (undefined: of the server that one is connected to).
 *
 * @param timeoutMs for each question; 5 s where it is left out
 */
export function streamsOf(
  nats: NatsConnection,
  domain: string | undefined,
  timeoutMs?: number,
): Promise<JetStreamManager> {
  const where = domain === undefined ? {} : { domain };
  const timeout = timeoutMs === undefined ? {} : { timeout: timeoutMs };
  return jetstreamManager(nats, { checkAPI: false, ...timeout, ...where });
}

const ANSWER_WITHIN_MS = 1_000;

/** Whether JetStream of that domain (undefined: of the server that one is connected to) can be asked from here. */
export async function answersJetStream(nats: NatsConnection, domain: string | undefined): Promise<boolean> {
  const subject = domain === undefined ? "$JS.API.INFO" : `$JS.${domain}.API.INFO`;
  return nats.request(subject, "", { timeout: ANSWER_WITHIN_MS }).then(
    () => true,
    () => false,
  );
}
