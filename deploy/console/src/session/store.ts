/** One value that views look at: replaced as a whole, and told about. */
import { useEffect, useState } from "preact/hooks";

export class Store<T> {
  #current: T;
  readonly #listeners = new Set<() => void>();

  constructor(first: T) {
    this.#current = first;
  }

  get current(): T {
    return this.#current;
  }

  set(change: Partial<T>): void {
    this.#current = { ...this.#current, ...change };
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export function useStore<T>(store: Store<T>): T {
  const [current, setCurrent] = useState(store.current);
  useEffect(() => {
    const look = () => setCurrent(store.current);
    look();
    return store.subscribe(look);
  }, [store]);
  return current;
}
