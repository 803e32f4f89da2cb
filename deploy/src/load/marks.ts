/** What stands in every message of the load: its number, and when it was due. Pure. */

const BEGIN = Buffer.from('"data":"~');
const COMMA = 0x2c;
const TILDE = 0x7e;

export interface Mark {
  readonly number: number;
  /** By the generator's monotonic clock, in ms. */
  readonly dueMs: number;
}

/** `data` of so many bytes of JSON, in characters that need no escapes. */
export function markedData(number: number, dueMs: number, bytes: number): string {
  const mark = `~${number},${dueMs.toFixed(2)}~`;
  return mark.padEnd(Math.max(mark.length, bytes - 2), "x");
}

/** The marks of a record's messages, in order. */
export function marksIn(chunk: Buffer, from: number, to: number): Mark[] {
  const marks: Mark[] = [];
  for (let at = chunk.indexOf(BEGIN, from); at !== -1 && at < to; at = chunk.indexOf(BEGIN, at)) {
    at += BEGIN.length;
    const comma = chunk.indexOf(COMMA, at);
    const end = chunk.indexOf(TILDE, comma);
    if (comma === -1 || end === -1 || end > to) break;
    marks.push({
      number: Number(chunk.toString("latin1", at, comma)),
      dueMs: Number(chunk.toString("latin1", comma + 1, end)),
    });
    at = end;
  }
  return marks;
}
