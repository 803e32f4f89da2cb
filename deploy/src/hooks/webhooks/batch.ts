/** From entries of a stream to requests of a bounded size, each of which waits a bounded time to be filled. */

/** Where a webhook stands in a stream. */
export interface Position {
  /** All up to this sequence is dealt with, … */
  readonly seq: number;
  /** … and so many messages of the entry after it. */
  readonly part: number;
}

/** Something that may have to be delivered; what is not only moves the position. */
export interface Item {
  /** JSON of the event; null where nobody wants it. */
  readonly json: string | null;
  readonly ts: number;
  /** Where the webhook stands once it is delivered. */
  readonly after: Position;
}

export interface Batch {
  readonly items: ReadonlyArray<Item & { readonly json: string }>;
  readonly after: Position;
}

export interface BatchBounds {
  readonly events: number;
  readonly bytes: number;
  readonly waitMs: number;
}

/** A batch without events only says how far it was read. */
export async function* batches(items: AsyncIterator<Item>, bounds: BatchBounds): AsyncGenerator<Batch> {
  let coming = items.next();
  for (;;) {
    const first = await coming;
    if (first.done === true) return;
    const { value } = first;
    coming = items.next();
    if (value.json === null) {
      yield { items: [], after: value.after };
      continue;
    }
    const taken: Array<Item & { json: string }> = [{ ...value, json: value.json }];
    let { after } = value;
    let bytes = Buffer.byteLength(value.json);
    const timer = new Timer(bounds.waitMs);
    while (taken.length < bounds.events) {
      const next = await Promise.race([coming, timer.over]);
      if (next === "over" || next.done === true) break;
      const { json } = next.value;
      const size = json === null ? 0 : Buffer.byteLength(json);
      if (bytes + size > bounds.bytes) break;
      bytes += size;
      after = next.value.after;
      if (json !== null) taken.push({ ...next.value, json });
      coming = items.next();
    }
    timer.stop();
    yield { items: taken, after };
  }
}

class Timer {
  readonly over: Promise<"over">;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.over = new Promise((resolve) => {
      this.#timer = setTimeout(() => resolve("over"), ms);
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
