/**
 * A WebSocket client that costs as little as it can, so that the load generator leaves the machine to what is measured:
 * frames are masked with zeros (which changes no byte), and what comes in is looked at where it lies, never copied or
 * parsed. It speaks no more of RFC 6455 than well-behaved servers need.
 */
import { randomBytes } from "node:crypto";
import { connect, isIP, type Socket } from "node:net";

const TEXT = 0x81;
const OPCODE = 0x0f;
const CLOSE = 0x8;
const PING = 0x9;
const PONG_FRAME = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const MASKED = 0x80;
const MAX_SHORT = 125;
const MAX_TWO_BYTES = 65_535;
/** A client's, of a frame of up to 64 KiB. */
const MAX_HEAD_BYTES = 8;

export interface WebSocketTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly protocol: string | null;
  /** Offered; whoever does has to read what comes of it. */
  readonly extensions?: string;
  /** Another address of this machine, where one does not have enough ports. */
  readonly localAddress?: string;
  /** wss. */
  readonly tls?: boolean;
  /** Given up if it is not open after so long. */
  readonly openWithinMs?: number;
}

/** A server's answer to the upgrade that is not 101. */
export class UpgradeRefused extends Error {
  override name = "UpgradeRefused";
  readonly status: number;

  constructor(statusLine: string) {
    super(statusLine);
    this.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0);
  }
}

/** Said by {@link FrameListener.closed} where the other side closed without a code. */
export const CLOSED_SILENTLY = 1006;

export interface FrameListener {
  /** A text frame: bytes `from` up to `to` of `chunk`, which must not be kept. */
  frame(chunk: Buffer, from: number, to: number): void;
  /** @param code of the server's close frame, or 1006 */
  closed(code: number): void;
}

/** Text frames ready for {@link LoadWebSocket.write}, in one piece: a buffer for each part is half of a load's work. */
export function encodeTexts(texts: readonly string[]): Buffer {
  let size = 0;
  for (const text of texts) size += MAX_HEAD_BYTES + Buffer.byteLength(text);
  const frames = Buffer.allocUnsafe(size);
  let at = 0;
  for (const text of texts) at = writeText(frames, at, text);
  return frames.subarray(0, at);
}

/** @returns where the next one begins */
function writeText(frames: Buffer, at: number, text: string): number {
  const length = Buffer.byteLength(text);
  if (length > MAX_TWO_BYTES) throw new Error("frames of the load are 64 KiB at most");
  const isShort = length <= MAX_SHORT;
  frames[at] = TEXT;
  frames[at + 1] = MASKED | (isShort ? length : 126);
  let next = at + 2;
  if (!isShort) next = frames.writeUInt16BE(length, next);
  // The mask: zeros.
  next = frames.writeUInt32BE(0, next);
  return next + frames.write(text, next);
}

export class LoadWebSocket {
  readonly #socket: Socket;
  #listener: FrameListener;
  #rest: Buffer | null = null;
  #closeCode = CLOSED_SILENTLY;

  private constructor(socket: Socket, listener: FrameListener) {
    this.#socket = socket;
    this.#listener = listener;
  }

  static async open(target: WebSocketTarget, listener: FrameListener): Promise<LoadWebSocket> {
    const { host, port, path, protocol, extensions, openWithinMs } = target;
    let read: (chunk: Buffer) => void = () => undefined;
    const socket = await socketTo(target, (chunk) => read(chunk));
    const late = () => socket.destroy(new Error("it was not opened in time"));
    const timer = openWithinMs === undefined ? undefined : setTimeout(late, openWithinMs);
    const self = new LoadWebSocket(socket, listener);
    const key = randomBytes(16).toString("base64");
    const offered = [
      protocol === null ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`,
      extensions === undefined ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`,
    ].join("");
    return new Promise((resolve, reject) => {
      let answer = Buffer.alloc(0);
      read = (data) => {
        answer = Buffer.concat([answer, data]);
        const end = answer.indexOf("\r\n\r\n");
        if (end === -1) return;
        clearTimeout(timer);
        const head = answer.subarray(0, end).toString("latin1");
        if (!head.startsWith("HTTP/1.1 101"))
          return void socket.destroy(new UpgradeRefused(head.split("\r\n")[0]!));
        read = (chunk) => self.#receive(chunk);
        resolve(self);
        if (answer.length > end + 4) self.#receive(answer.subarray(end + 4));
      };
      socket.on("error", reject); // after the opening "close" is what counts
      socket.on("close", () => {
        clearTimeout(timer);
        reject(new Error("closed while it was opened"));
        self.#listener.closed(self.#closeCode);
      });
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${offered}\r\n`,
      );
    });
  }

  set listener(listener: FrameListener) {
    this.#listener = listener;
  }

  write(frames: Buffer): void {
    this.#socket.write(frames);
  }

  send(text: string): void {
    this.#socket.write(encodeTexts([text]));
  }

  /** Ends it without a word, as if the network had. */
  cut(): void {
    this.#socket.destroy();
  }

  /** Bytes that the other side has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Of a chunk only what completes a frame is copied: a copy of all of it costs as much as the rest of the work. */
  #receive(chunk: Buffer): void {
    let at = 0;
    if (this.#rest !== null) {
      at = this.#missing(this.#rest, chunk.length);
      const data = Buffer.concat([this.#rest, chunk.subarray(0, at)]);
      this.#rest = null;
      this.#takeAll(data, 0);
    }
    if (at < chunk.length) this.#takeAll(chunk, at);
  }

  /** How much of a chunk belongs to the frame that has begun; all of it where its head does not say yet. */
  #missing(rest: Buffer, chunkBytes: number): number {
    const frame = headOf(rest, 0);
    return frame === null ? chunkBytes : Math.min(frame.to - rest.length, chunkBytes);
  }

  #takeAll(data: Buffer, from: number): void {
    let at = from;
    for (;;) {
      const frame = headOf(data, at);
      if (frame === null || frame.to > data.length) break;
      this.#take(data, frame);
      at = frame.to;
    }
    // A copy: what is read next takes its place.
    if (at < data.length) this.#rest = Buffer.from(data.subarray(at));
  }

  #take(data: Buffer, { opcode, from, to }: FrameHead): void {
    if (opcode === PING) this.#socket.write(PONG_FRAME);
    else if (opcode === CLOSE) {
      if (to - from >= 2) this.#closeCode = data.readUInt16BE(from);
      this.#socket.destroy();
    } else this.#listener.frame(data, from, to);
  }
}

/** All plain sockets read into this, one after the other: a buffer for each read is work for the garbage collector. */
const READ_INTO = Buffer.allocUnsafe(256 * 1024);

/** @param read gets what has come; it is overwritten afterwards */
async function socketTo(target: WebSocketTarget, read: (chunk: Buffer) => void): Promise<Socket> {
  const { host, port, localAddress, tls } = target;
  const from = localAddress === undefined ? {} : { localAddress };
  if (tls !== true) {
    const callback = (bytes: number) => {
      read(READ_INTO.subarray(0, bytes));
      return true;
    };
    return connect({ host, port, noDelay: true, onread: { buffer: READ_INTO, callback }, ...from });
  }
  const { connect: connectTls } = await import("node:tls");
  const socket = connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...from });
  return socket.on("data", read).setNoDelay(true);
}

interface FrameHead {
  readonly opcode: number;
  readonly from: number;
  readonly to: number;
}

/** Of a frame without a mask, as servers send them; null where its head is not all there. */
function headOf(data: Buffer, at: number): FrameHead | null {
  if (data.length < at + 2) return null;
  const opcode = data[at]! & OPCODE;
  const short = data[at + 1]!;
  if (short <= MAX_SHORT) return { opcode, from: at + 2, to: at + 2 + short };
  if (short === 126) {
    if (data.length < at + 4) return null;
    return { opcode, from: at + 4, to: at + 4 + data.readUInt16BE(at + 2) };
  }
  if (data.length < at + 10) return null;
  return { opcode, from: at + 10, to: at + 10 + data.readUInt32BE(at + 6) };
}
