import { PlexusError } from "@plexus/protocol";
import { createInbox } from "nats";
import type { Logger } from "./log.js";
import { isNoResponders, type NatsConnection, subscribe } from "./nats.js";

/** Longer than a busy process takes to come to an answer, shorter than a person's patience. */
export const GATHER_WAIT_MS = 300;
/** When all who are known have answered, a newcomer that nobody knows yet may still be about to. */
const LINGER_MS = 25;
const RETRY_MS = 1_000;

export interface GatherOptions<T> {
  waitMs?: number;
  /** Whether all who are known have answered. */
  enough?: (answers: readonly T[]) => boolean;
}

/**
 * Asks everybody who listens on a subject. Resolves with the answers soon after they are `enough`, or after
 * `waitMs`; at once where nobody listens. Rejects with `unavailable` where the bus is away: that nobody answers
 * then says nothing.
 */
export async function gather<T>(
  nats: NatsConnection,
  subject: string,
  question: unknown,
  log: Logger,
  { waitMs = GATHER_WAIT_MS, enough = () => false }: GatherOptions<T> = {},
): Promise<T[]> {
  const inbox = createInbox();
  const answers: T[] = [];
  let busAnswered = false;
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const timer = setTimeout(end, waitMs);
  const subscription = subscribe(nats, inbox, log, (message) => {
    busAnswered = true;
    if (isNoResponders(message)) return end();
    answers.push(message.json<T>());
    if (enough(answers)) setTimeout(end, LINGER_MS);
  });
  try {
    nats.publish(subject, JSON.stringify(question), { reply: inbox });
    nats.flush().then(
      () => {
        busAnswered = true;
      },
      (error: unknown) => log.debug({ err: error }, "the bus did not answer"),
    );
    await over;
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
  }
  if (!busAnswered) throw new PlexusError("unavailable", "the bus is away", { retry: RETRY_MS });
  return answers;
}
