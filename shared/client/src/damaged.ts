import { type ResetFrame, readHead } from "@plexus/protocol";

/** No head of a record is longer. */
const HEAD_CHARACTERS = 400;

const encoder = new TextEncoder();

/**
 * What to make of a WebSocket message that can't be decoded: a record that was damaged, or written by somebody else, is
 * as if the gateway had said that something is missing up to its end. Whoever left the connection for it would meet it
 * again on the next one. Null where it is no record.
 */
export function resetBehind(data: string | ArrayBuffer): ResetFrame | null {
  if (typeof data !== "string") return null;
  const head = readHead(encoder.encode(data.slice(0, HEAD_CHARACTERS)));
  if (head?.op !== "msg") return null;
  return { op: "reset", ch: head.ch, epoch: head.epoch, seq: head.seq + head.n - 1, recovered: false };
}
