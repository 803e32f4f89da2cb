/** What one client received of numbered messages; pure. */

export interface Received {
  /** Different messages. */
  unique: number;
  /** Received once more. */
  duplicated: number;
  /** Received for the first time after a later one. */
  outOfOrder: number;
}

export class Tally {
  readonly #seen: Uint8Array;
  readonly #received: Received = { unique: 0, duplicated: 0, outOfOrder: 0 };
  #newest = -1;

  /** @param messages numbers go from 0 up to, and without, this one */
  constructor(messages: number) {
    this.#seen = new Uint8Array(messages);
  }

  get received(): Readonly<Received> {
    return this.#received;
  }

  got(number: number): void {
    if (this.#seen[number] === 1) {
      this.#received.duplicated++;
      return;
    }
    this.#seen[number] = 1;
    this.#received.unique++;
    if (number < this.#newest) this.#received.outOfOrder++;
    this.#newest = Math.max(this.#newest, number);
  }
}
