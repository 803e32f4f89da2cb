/**
 * The MessagePack codec: smaller frames for Node clients. An entry of its own (`@plexus/client/msgpack`), so
 * that browsers that speak JSON do not load it.
 */
import { SUBPROTOCOL_MSGPACK } from "@plexus/protocol";
import { packFrame, unpackFrame } from "@plexus/protocol/msgpack";
import type { Codec, Encoded } from "./codec.js";

/** Header of a MessagePack array of `count` items. */
function arrayHeader(count: number): number[] {
  return count < 16 ? [0x90 | count] : [0xdc, count >> 8, count & 0xff];
}

function join(frames: readonly Encoded[]): Uint8Array {
  const parts = [Uint8Array.from(arrayHeader(frames.length)), ...(frames as readonly Uint8Array[])];
  const joined = new Uint8Array(parts.reduce((bytes, part) => bytes + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.byteLength;
  }
  return joined;
}

export const msgpackCodec: Codec = {
  subprotocol: SUBPROTOCOL_MSGPACK,
  encode: (frame) => packFrame(frame),
  join,
  decode: (data) => {
    if (typeof data === "string") throw new TypeError("text message on a MessagePack connection");
    return unpackFrame(new Uint8Array(data));
  },
};
