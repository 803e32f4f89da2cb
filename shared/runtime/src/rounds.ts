/**
 * Looks at all of many things in turn, a share of them at each tick: what a tick costs does not grow into a pause as
 * the things become more. Pure.
 */
export class Rounds<T> {
  readonly #all: ReadonlyMap<unknown, T>;
  readonly #ticks: number;
  #round: IterableIterator<T>;

  /** @param ticks in so many ticks all have had their turn; in up to three times as many while more and more are added */
  constructor(all: ReadonlyMap<unknown, T>, ticks: number) {
    this.#all = all;
    this.#ticks = ticks;
    this.#round = all.values();
  }

  /** The share of this tick, or what is left of the round. They may be added and removed meanwhile. */
  *share(): Generator<T, void> {
    for (let left = Math.ceil(this.#all.size / this.#ticks); left > 0; left--) {
      const { done, value } = this.#round.next();
      if (done === true) {
        this.#round = this.#all.values();
        return;
      }
      yield value;
    }
  }
}
