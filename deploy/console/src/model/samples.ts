/** What the charts show: the figures of the last minutes, in a fixed amount of memory. */

/** Ten minutes of one sample a second. */
export const KEPT_SAMPLES = 600;
/** What was not sampled for longer than this is a gap in the line, not a slope. */
const GAP_MS = 4_000;

export type Row<K extends string> = Readonly<Record<K, number | null>>;
/** Times in milliseconds, then a column for each name that was asked for; null where nothing is known. */
export type Columns = [number[], ...Array<Array<number | null>>];

export class Samples<K extends string> {
  readonly #capacity: number;
  readonly #times: Float64Array;
  readonly #values: Record<K, Float64Array>;
  #next = 0;
  #length = 0;

  constructor(names: readonly K[], capacity = KEPT_SAMPLES) {
    this.#capacity = capacity;
    this.#times = new Float64Array(capacity);
    const columns = names.map((name) => [name, new Float64Array(capacity)]);
    this.#values = Object.fromEntries(columns) as Record<K, Float64Array>;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes a sample that is newer than the last one; the oldest one goes where there is no more room. */
  add(ts: number, row: Row<K>): void {
    const last = this.#newest();
    if (last !== undefined && ts <= last) return;
    if (last !== undefined && ts - last > GAP_MS) this.#put(last + 1, undefined);
    this.#put(ts, row);
  }

  columns(names: readonly K[]): Columns {
    const order = Array.from({ length: this.#length }, (_, i) => this.#index(i));
    const times = order.map((at) => this.#times[at]!);
    const values = names.map((name) =>
      order.map((at) => {
        const value = this.#values[name][at]!;
        return Number.isNaN(value) ? null : value;
      }),
    );
    return [times, ...values];
  }

  #put(ts: number, row: Row<K> | undefined): void {
    this.#times[this.#next] = ts;
    for (const name of Object.keys(this.#values) as K[])
      this.#values[name][this.#next] = row?.[name] ?? Number.NaN;
    this.#next = (this.#next + 1) % this.#capacity;
    this.#length = Math.min(this.#length + 1, this.#capacity);
  }

  #newest(): number | undefined {
    return this.#length === 0 ? undefined : this.#times[this.#index(this.#length - 1)];
  }

  /** Where the `i`-th oldest stands. */
  #index(i: number): number {
    return (this.#next - this.#length + i + this.#capacity) % this.#capacity;
  }
}
