/** One connection to a gateway, octet by octet: every byte that is sent is the test's, every byte received is judged. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { packFrame, unpackFrame } from "@plexus/protocol/msgpack";
import type { AnyFrame, Encoding } from "../harness/raw-client.js";
import { DEADLINE_MS, within } from "../harness/wait.js";
import { binary, FrameReader, inflated, OPCODE, type ReceivedFrame, text } from "./frames.js";

/** How a connection ended: with a close frame, or without a word, which RFC 6455 calls 1006. */
export interface Ending {
  code: number;
  reason: string;
}

const CUT: Ending = { code: 1006, reason: "" };
/** RFC 6455, section 1.3. */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

export class WireSocket {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  /** What the gateway said, in order. */
  readonly frames: AnyFrame[] = [];
  readonly pongs: Buffer[] = [];
  /** Bytes of each message as it was sent, and what it was. */
  readonly sizes: Array<{ sent: number; bytes: number; deflated: boolean }> = [];
  /** Resolves once TCP is over too. */
  readonly ended: Promise<Ending>;
  encoding: Encoding = "json";
  ending: Ending | undefined;
  /** The answer to the upgrade, without what follows it. */
  head = "";
  /** What the gateway sent and must not have. */
  fault: unknown;
  #waiting: Array<() => void> = [];
  #isOver = false;
  #isUpgraded = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.#receive(data));
    socket.on("error", () => undefined); // a reset is one way to be closed, and "close" follows
    this.ended = new Promise((resolve) => {
      socket.once("close", () => {
        this.#isOver = true;
        this.ending ??= CUT;
        this.#wake();
        resolve(this.ending);
      });
    });
  }

  static async connect(url: string): Promise<WireSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await within(
      "a TCP connection",
      new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("error", reject);
      }),
    );
    return new WireSocket(socket);
  }

  /** A connection that has become a WebSocket, and on which nothing was said. */
  static async open(url: string, encoding: Encoding = "json", extensions?: string): Promise<WireSocket> {
    const wire = await WireSocket.connect(url);
    const { pathname, host } = new URL(url);
    const key = randomBytes(16).toString("base64");
    wire.encoding = encoding;
    wire.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n` +
        (extensions === undefined ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`) +
        `Sec-WebSocket-Protocol: plexus.v1.${encoding}\r\n\r\n`,
    );
    assert.match(await wire.answer(), /^HTTP\/1\.1 101 /);
    assert.equal(wire.header("sec-websocket-accept"), acceptOf(key));
    wire.#reader.mayDeflate = wire.header("sec-websocket-extensions") !== undefined;
    return wire;
  }

  /** A connection that was welcomed. */
  static async welcome(
    url: string,
    token: string,
    encoding: Encoding = "json",
    extensions?: string,
  ): Promise<WireSocket> {
    const wire = await WireSocket.open(url, encoding, extensions);
    wire.say({ op: "hello", id: 1, token });
    await wire.until("welcome", ({ op }) => op === "welcome");
    return wire;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  write(data: Uint8Array | string): void {
    if (!this.#socket.destroyed) this.#socket.write(data);
  }

  /** The same bytes in TCP segments of so many octets. */
  async chop(data: Uint8Array, octets: number): Promise<void> {
    for (let at = 0; at < data.length && !this.#isOver; at += octets) {
      this.write(data.subarray(at, at + octets));
      await turn();
    }
  }

  /** One protocol frame, or a batch, in an ordinary WebSocket message. */
  say(value: unknown): void {
    this.write(this.encoding === "json" ? text(JSON.stringify(value)) : binary(packFrame(value)));
  }

  /** The HTTP head that the gateway answers; empty where it ends the connection instead. */
  async answer(): Promise<string> {
    await this.when("an answer to the request", () => this.head !== "" || this.#isOver);
    return this.head;
  }

  header(name: string): string | undefined {
    return new RegExp(`^${name}: *(.*)$`, "im").exec(this.head)?.[1];
  }

  until(what: string, matches: (frame: AnyFrame) => boolean): Promise<AnyFrame> {
    return this.#when(what, () => {
      const found = this.frames.find(matches);
      if (found === undefined && this.#isOver) assert.fail(`ended with ${this.ending?.code} before ${what}`);
      return found;
    });
  }

  async reply(id: number): Promise<AnyFrame> {
    return this.until(`the answer to ${id}`, (frame) => frame.id === id && frame.op !== "welcome");
  }

  async pongsCount(count: number): Promise<void> {
    await this.when(`${count} pongs`, () => this.pongs.length >= count || this.#isOver);
    assert.equal(this.pongs.length, count, `pongs; ended with ${this.ending?.code}`);
  }

  /** Waits for the end, and tells how it came. */
  async end(what = "the end of the connection"): Promise<Ending> {
    const ending = await within(what, this.ended, DEADLINE_MS);
    this.#judge();
    return ending;
  }

  /** Ends what this side has to say, and still reads. */
  half(): void {
    this.#socket.end();
  }
  pause(): void {
    this.#socket.pause();
  }
  cut(): void {
    this.#socket.destroy();
  }

  /** Asks again whenever something arrives, until the answer is yes. */
  async when(what: string, condition: () => boolean): Promise<void> {
    await this.#when(what, () => condition() || undefined);
  }

  /** The first answer that is not undefined. */
  #when<T>(what: string, condition: () => T | undefined): Promise<T> {
    const asking = async () => {
      for (;;) {
        this.#judge();
        const answer = condition();
        if (answer !== undefined) return answer;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    };
    return within(what, asking(), DEADLINE_MS);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #judge(): void {
    if (this.fault !== undefined) throw this.fault;
  }

  #receive(data: Buffer): void {
    try {
      const bytes = this.#isUpgraded ? data : this.#receiveHead(data);
      if (this.#isUpgraded) for (const frame of this.#reader.push(bytes)) this.#take(frame);
    } catch (error) {
      this.fault ??= error;
      this.cut();
    }
    this.#wake();
  }

  /** Returns what follows the head. */
  #receiveHead(data: Buffer): Buffer {
    this.head += data.toString("latin1");
    const end = this.head.indexOf("\r\n\r\n");
    if (end === -1 || !this.head.startsWith("HTTP/1.1 101 ")) return Buffer.alloc(0);
    const rest = Buffer.from(this.head.slice(end + 4), "latin1");
    this.head = this.head.slice(0, end + 4);
    this.#isUpgraded = true;
    return rest;
  }

  #take({ opcode, payload: sent, fin, deflated }: ReceivedFrame): void {
    const payload = deflated ? inflated(sent) : sent;
    assert.equal(this.ending, undefined, "nothing follows a close frame");
    if (opcode === OPCODE.pong) this.pongs.push(payload);
    else if (opcode === OPCODE.close) this.ending = closeOf(payload);
    else if (opcode !== OPCODE.ping) {
      assert.ok(fin && opcode === (this.encoding === "json" ? OPCODE.text : OPCODE.binary));
      this.sizes.push({ sent: sent.length, bytes: payload.length, deflated });
      const value = this.encoding === "json" ? JSON.parse(strictUtf8.decode(payload)) : unpackFrame(payload);
      this.frames.push(...([value].flat() as AnyFrame[]));
    }
  }
}

function closeOf(payload: Buffer): Ending {
  if (payload.length === 0) return { code: 1005, reason: "" };
  return { code: payload.readUInt16BE(0), reason: strictUtf8.decode(payload.subarray(2)) };
}

export function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + ACCEPT_GUID)
    .digest("base64");
}
