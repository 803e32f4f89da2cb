/**
 * Whether a snapshot is whole. NATS ends a snapshot in the same way whether it got to the end or gave up, and says no
 * size. What it sends is an archive (tar) in the framing format of S2, where each frame says how long it is and how
 * much it holds: enough to see a cut, without decompressing anything.
 */

const COMPRESSED = 0x00;
const PLAIN = 0x01;
const STREAM_BEGIN = 0xff;
const HEADER_BYTES = 4;
const CHECKSUM_BYTES = 4;
/** Of a number in the variable-length encoding, as long as it fits 32 bits. */
const MAX_NUMBER_BYTES = 5;
/** Archives consist of whole blocks. */
const BLOCK_BYTES = 512;

export class SnapshotFrames {
  #head: number[] = [];
  /** Bytes of the frame that are still to come. */
  #left = 0;
  /** What the frames seen so far hold, uncompressed. */
  #held = 0;
  #begun = false;

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left === 0) {
        at = this.#readHead(bytes, at);
        continue;
      }
      const step = Math.min(this.#left, bytes.length - at);
      this.#left -= step;
      at += step;
    }
  }

  /** @param atLeast what the stream held when the snapshot began */
  isWhole(atLeast: number): boolean {
    const atBoundary = this.#left === 0 && this.#head.length === 0;
    return this.#begun && atBoundary && this.#held >= atLeast && this.#held % BLOCK_BYTES === 0;
  }

  /** A header may be cut by the edge of a chunk: gathers as much of the frame as tells what it holds. */
  #readHead(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length && this.#head.length < this.#wanted()) this.#head.push(bytes[at++]!);
    if (this.#head.length < this.#wanted()) return at;
    const [type, a = 0, b = 0, c = 0] = this.#head;
    const length = a | (b << 8) | (c << 16);
    if (type === STREAM_BEGIN) this.#begun = true;
    if (type === PLAIN) this.#held += length - CHECKSUM_BYTES;
    if (type === COMPRESSED) this.#held += numberIn(this.#head.slice(HEADER_BYTES + CHECKSUM_BYTES));
    this.#left = length - (this.#head.length - HEADER_BYTES);
    this.#head = [];
    return at;
  }

  #wanted(): number {
    if (this.#head.length < HEADER_BYTES || this.#head[0] !== COMPRESSED) return HEADER_BYTES;
    const length = this.#head[1]! | (this.#head[2]! << 8) | (this.#head[3]! << 16);
    return HEADER_BYTES + Math.min(length, CHECKSUM_BYTES + MAX_NUMBER_BYTES);
  }
}

function numberIn(bytes: readonly number[]): number {
  let number = 0;
  for (const [i, byte] of bytes.entries()) {
    number += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  return number;
}
