import { type ClientFrame, SUBPROTOCOL_JSON } from "@plexus/protocol";

/** What one WebSocket message holds, encoded. */
export type Encoded = string | Uint8Array;

/**
 * How frames become WebSocket messages and back. JSON is built in; MessagePack is in `@plexus/client/msgpack`.
 */
export interface Codec {
  /** Offered in the handshake, so that the gateway answers in kind. */
  readonly subprotocol: string;
  encode(frame: ClientFrame): Encoded;
  /** Joins at least two encoded frames to one batch. */
  join(frames: readonly Encoded[]): Encoded;
  /** A frame or an array of frames. Throws on anything malformed. */
  decode(data: string | ArrayBuffer): unknown;
}

/** Bytes that joining adds to a batch of `count` frames, in either codec, at most. */
export function joinOverhead(count: number): number {
  return count + 5;
}

const encoder = new TextEncoder();

export function byteLength(encoded: Encoded): number {
  return typeof encoded === "string" ? encoder.encode(encoded).byteLength : encoded.byteLength;
}

export const jsonCodec: Codec = {
  subprotocol: SUBPROTOCOL_JSON,
  encode: (frame) => JSON.stringify(frame),
  join: (frames) => `[${frames.join(",")}]`,
  decode: (data) => {
    if (typeof data !== "string") throw new TypeError("binary message on a JSON connection");
    return JSON.parse(data);
  },
};
