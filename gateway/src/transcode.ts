import { isUtf8 } from "node:buffer";
import { opOf, type RecordHead, type ResetFrame, readHead } from "@plexus/protocol";
import { packFrame } from "@plexus/protocol/msgpack";
import * as metrics from "./metrics.js";

/**
 * A frame, given as its JSON bytes, in MessagePack.
 *
 * What workers write can always be transcoded. Should a record come that can't (written by somebody else, or damaged),
 * then those who would miss it get a `reset` behind it instead: they know that something is missing, and the channel
 * goes on. To close their connections would not help: they would meet the same record when they come back. Of other
 * frames, which nobody is promised, null says that there is nothing to send.
 */
export function transcode(bytes: Uint8Array): Uint8Array | null {
  try {
    return packFrame(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()));
  } catch {
    // Which of the two found fault with it makes no difference.
    metrics.untranscodable.inc();
    return packReset(bytes);
  }
}

/**
 * The same bytes, where a WebSocket may carry them as text; a client's would end the connection for others, and meet them
 * again on the next one. In their place there is a `reset` behind the record, or nothing where they are none.
 */
export function asText(bytes: Uint8Array): Uint8Array | null {
  if (isUtf8(bytes)) return bytes;
  metrics.untranscodable.inc();
  const head = opOf(bytes) === "msg" ? readHead(bytes) : null;
  return head === null ? null : Buffer.from(JSON.stringify(resetBehind(head)));
}

function packReset(bytes: Uint8Array): Uint8Array | null {
  const head = opOf(bytes) === "msg" ? readHead(bytes) : null;
  return head === null ? null : packFrame(resetBehind(head));
}

/** Takes the place of a record that nobody can read. */
export function resetBehind({ ch, epoch, seq, n }: RecordHead): ResetFrame {
  return { op: "reset", ch, epoch, seq: seq + n - 1, recovered: false };
}
