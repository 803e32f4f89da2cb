/**
 * WebSocket frames as bytes (RFC 6455, section 5.2): what a client may write, what it must not, and a reader that
 * holds a server to the letter.
 */
import assert from "node:assert/strict";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** The longest payload of a control frame, section 5.5. */
export const MAX_CONTROL_BYTES = 125;

export interface FrameShape {
  opcode: number;
  payload?: Uint8Array | string;
  /** Last frame of its message; so unless said otherwise. */
  fin?: boolean;
  /** The three reserved bits as a number from 0 to 7; RSV1 is the highest. */
  rsv?: number;
  /** Four bytes; null for a frame that is not masked at all. */
  mask?: Uint8Array | null;
  /** A length that is written in place of the true one. */
  declared?: bigint;
  /** Bytes of the extended length, where it is not the shortest that does. */
  lengthBytes?: 0 | 2 | 8;
}

const RSV1 = 0x40;
const MASK = Uint8Array.from([0x37, 0xfa, 0x21, 0x3d]);

export function frame(shape: FrameShape): Buffer {
  const { opcode, fin = true, rsv = 0, mask = MASK } = shape;
  const payload = Buffer.from(shape.payload ?? "");
  const length = shape.declared ?? BigInt(payload.length);
  const head = Buffer.concat([
    Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]),
    lengthField(length, shape.lengthBytes, mask !== null),
  ]);
  if (mask === null) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i & 3]!)]);
}

function lengthField(length: bigint, bytes: 0 | 2 | 8 | undefined, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  const width = bytes ?? (length <= 125n ? 0 : length <= 0xffffn ? 2 : 8);
  if (width === 0) return Buffer.from([bit | Number(length)]);
  const field = Buffer.alloc(1 + width);
  field[0] = bit | (width === 2 ? 126 : 127);
  if (width === 2) field.writeUInt16BE(Number(length), 1);
  else field.writeBigUInt64BE(BigInt.asUintN(64, length), 1);
  return field;
}

export const text = (payload: Uint8Array | string) => frame({ opcode: OPCODE.text, payload });
export const binary = (payload: Uint8Array) => frame({ opcode: OPCODE.binary, payload });
export const ping = (payload: Uint8Array | string = "") => frame({ opcode: OPCODE.ping, payload });
export const pong = (payload: Uint8Array | string = "") => frame({ opcode: OPCODE.pong, payload });
export const close = (payload: Uint8Array = new Uint8Array()) => frame({ opcode: OPCODE.close, payload });

/** What permessage-deflate leaves out at the end of each message (RFC 7692, section 7.2.1). */
const DEFLATE_TAIL = Buffer.from([0, 0, 255, 255]);

/** A client's compressed message. */
export function deflated(payload: Uint8Array | string, opcode: number = OPCODE.text): Buffer {
  const bytes = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
  return frame({ opcode, payload: bytes.subarray(0, -DEFLATE_TAIL.length), rsv: 4 });
}

export function inflated(bytes: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([bytes, DEFLATE_TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });
}

/** The body of a close frame: a code and its reason. */
export function closing(code: number, reason: Uint8Array | string = ""): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/** A message in fragments of so many bytes of payload each. */
export function fragments(opcode: number, payload: Uint8Array, bytes: number): Buffer[] {
  const parts = Math.max(1, Math.ceil(payload.length / bytes));
  return Array.from({ length: parts }, (_, i) =>
    frame({
      opcode: i === 0 ? opcode : OPCODE.continuation,
      payload: payload.subarray(i * bytes, (i + 1) * bytes),
      fin: i === parts - 1,
    }),
  );
}

export interface ReceivedFrame {
  opcode: number;
  fin: boolean;
  /** Compressed: RSV1 (RFC 7692, section 6). */
  deflated: boolean;
  payload: Buffer;
}

/** Takes a server's frames out of its bytes, and fails where a server may not have sent them so. */
export class FrameReader {
  #bytes: Buffer = Buffer.alloc(0);
  /** permessage-deflate was agreed to. */
  mayDeflate = false;

  push(chunk: Buffer): ReceivedFrame[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const frames: ReceivedFrame[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) frames.push(next);
    return frames;
  }

  /** Bytes of a frame whose end has not come. */
  get rest(): number {
    return this.#bytes.length;
  }

  #next(): ReceivedFrame | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const [first, second] = [bytes[0]!, bytes[1]!];
    const opcode = first & 15;
    const reserved = first & 0x70;
    const deflated = this.mayDeflate && reserved === RSV1 && opcode !== OPCODE.continuation;
    assert.ok(reserved === 0 || deflated, "reserved bits are zero, but where an extension was agreed to");
    assert.equal(second & 0x80, 0, "a server does not mask");
    assert.ok(Object.values<number>(OPCODE).includes(opcode), `opcode ${opcode}`);
    const width = second === 126 ? 2 : second === 127 ? 8 : 0;
    if (bytes.length < 2 + width) return undefined;
    const length =
      width === 0 ? second : width === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (width > 0) assert.ok(length > (width === 2 ? 125 : 0xffff), "the shortest form of a length");
    if (opcode >= OPCODE.close)
      assert.ok((first & 0x80) !== 0 && !deflated && length <= MAX_CONTROL_BYTES, "control frame");
    const end = 2 + width + length;
    if (bytes.length < end) return undefined;
    this.#bytes = bytes.subarray(end);
    return { opcode, fin: (first & 0x80) !== 0, deflated, payload: bytes.subarray(2 + width, end) };
  }
}
