/** Events that have to be written, in the order in which they came to be owed; pure. */
import type { LifecycleEvent } from "@plexus/runtime";

interface Debt {
  readonly event: LifecycleEvent;
  readonly start: string | undefined;
}

export class Debts {
  readonly #owed = new Map<string, Debt>();
  /** The id of what begins → that under which its beginning is owed. */
  readonly #starts = new Map<string, string>();

  get size(): number {
    return this.#owed.size;
  }

  *all(): Iterable<LifecycleEvent> {
    for (const { event } of this.#owed.values()) yield event;
  }

  /** @param start the beginning's own id, by which it is forgotten when the end comes first */
  owe(event: LifecycleEvent, start?: string): void {
    this.#owed.set(event.id, { event, start });
    if (start !== undefined) this.#starts.set(start, event.id);
  }

  /** It is in the stream, or no longer true. */
  settle(id: string): void {
    const start = this.#owed.get(id)?.start;
    if (start !== undefined) this.#starts.delete(start);
    this.#owed.delete(id);
  }

  /** What began has ended: of the beginning nobody needs to be told any more. */
  forget(start: string): void {
    const id = this.#starts.get(start);
    if (id !== undefined) this.settle(id);
  }
}
