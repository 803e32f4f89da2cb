import { createInbox } from "nats";
import type { Logger } from "./log.js";
import { isNoResponders, type NatsConnection, subscribe } from "./nats.js";

/** Longer than a busy process takes to come to an answer, shorter than a person's patience. */
export const GATHER_WAIT_MS = 300;

/**
 * Asks everybody who listens on a subject. Resolves with the answers once they are `enough`, or after
 * `waitMs`; at once where nobody listens.
 */
export function gather<T>(
  nats: NatsConnection,
  subject: string,
  question: unknown,
  log: Logger,
  options: { waitMs?: number; enough?: (answers: readonly T[]) => boolean } = {},
): Promise<T[]> {
  const inbox = createInbox();
  const answers: T[] = [];
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      subscription.unsubscribe();
      resolve(answers);
    };
    const timer = setTimeout(end, options.waitMs ?? GATHER_WAIT_MS);
    const subscription = subscribe(nats, inbox, log, (message) => {
      if (isNoResponders(message)) return end();
      answers.push(message.json<T>());
      if (options.enough?.(answers)) end();
    });
    try {
      nats.publish(subject, JSON.stringify(question), { reply: inbox });
    } catch (error) {
      clearTimeout(timer);
      reject(error);
    }
  });
}
