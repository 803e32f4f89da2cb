/** Typed events, small. `E` maps an event's name to what its listeners get. */

export type Listener<T> = (event: T) => void;

/** An error thrown by a listener is the application's: it surfaces there, and reception goes on. */
function surface(error: unknown): void {
  const report = (globalThis as { reportError?: (error: unknown) => void }).reportError;
  if (report !== undefined) report(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}

export class Emitter<E extends object> {
  readonly #listeners = new Map<keyof E, Set<Listener<never>>>();

  /** Calls `listener` for every `event`, in the order of registration. Returns what ends that. */
  on<K extends keyof E>(event: K, listener: Listener<E[K]>): () => void {
    let listeners = this.#listeners.get(event);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(event, listeners);
    }
    listeners.add(listener as Listener<never>);
    return () => this.off(event, listener);
  }

  /** Like {@link on}, for the next one only. */
  once<K extends keyof E>(event: K, listener: Listener<E[K]>): () => void {
    const off = this.on(event, (value) => {
      off();
      listener(value);
    });
    return off;
  }

  off<K extends keyof E>(event: K, listener: Listener<E[K]>): void {
    this.#listeners.get(event)?.delete(listener as Listener<never>);
  }

  /** For the owner of the events. */
  protected emit<K extends keyof E>(event: K, value: E[K]): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) return;
    for (const listener of [...listeners])
      try {
        (listener as Listener<E[K]>)(value);
      } catch (error) {
        surface(error);
      }
  }
}
