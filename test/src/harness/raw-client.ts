/**
 * A client that speaks raw frames: what a stranger would write from docs/protocol.md. It knows nothing of the SDK.
 * All that arrives is kept, and per channel it watches that seqs are consecutive.
 */
import assert from "node:assert/strict";
import type {
  ErrFrame,
  HistoryOk,
  OkFrame,
  PresenceOk,
  PubOk,
  ServerFrame,
  SubOk,
  WelcomeFrame,
} from "@plexus/protocol";
import { packFrame, unpackFrame } from "@plexus/protocol/msgpack";
import { WebSocket } from "ws";
import { ChannelWatch } from "./channel-watch.js";
import { DEADLINE_MS, within } from "./wait.js";

export type Encoding = "json" | "msgpack";
export type RawFrame = Record<string, unknown>;
/** Any frame of the server, with whatever fields it has. */
export type AnyFrame = ServerFrame & Record<string, unknown>;

export interface Closed {
  code: number;
  reason: string;
}

interface Waiter {
  matches: (frame: AnyFrame) => boolean;
  resolve: (frame: AnyFrame) => void;
  reject: (error: Error) => void;
}

export class RawClient {
  readonly encoding: Encoding;
  /** Everything that arrived, in order. */
  readonly frames: AnyFrame[] = [];
  /** The WebSocket messages as they came. */
  readonly messages: Buffer[] = [];
  readonly closed: Promise<Closed>;
  welcome: WelcomeFrame | undefined;
  readonly #socket: WebSocket;
  readonly #channels = new Map<string, ChannelWatch>();
  readonly #subs = new Map<number, RawFrame>();
  readonly #replies = new Map<number, (frame: AnyFrame) => void>();
  #waiters: Waiter[] = [];
  #nextId = 1;
  #closed: Closed | undefined;

  private constructor(socket: WebSocket, encoding: Encoding) {
    this.#socket = socket;
    this.encoding = encoding;
    socket.on("message", (data: Buffer) => this.#receive(data));
    socket.on("error", () => undefined); // "close" follows and is what counts
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        this.#closed = { code, reason: reason.toString() };
        for (const { reject } of this.#waiters.splice(0))
          reject(new Error(`the connection was closed with ${code} ${reason}`));
        resolve(this.#closed);
      });
    });
  }

  /** Opens the socket and says nothing. Rejects where the upgrade is refused. */
  static async open(url: string, encoding: Encoding = "json", protocols?: string[]): Promise<RawClient> {
    const socket = new WebSocket(url, protocols ?? [`plexus.v1.${encoding}`], { perMessageDeflate: false });
    const client = new RawClient(socket, encoding);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  get isOpen(): boolean {
    return this.#closed === undefined && this.#socket.readyState === WebSocket.OPEN;
  }
  get protocol(): string {
    return this.#socket.protocol;
  }
  get conn(): string {
    return this.welcome!.conn;
  }
  get gateway(): string {
    return this.welcome!.gateway;
  }

  async hello(token: string): Promise<WelcomeFrame> {
    this.welcome = (await this.ok({ op: "hello", token }, "welcome")) as unknown as WelcomeFrame;
    return this.welcome;
  }

  /** One frame, or several as a batch, as they are. */
  send(frame: RawFrame | RawFrame[]): void {
    for (const each of [frame].flat())
      if (each?.op === "sub" && typeof each.id === "number") this.#subs.set(each.id, each);
    this.#socket.send(this.encoding === "json" ? JSON.stringify(frame) : packFrame(frame));
  }

  /** Bytes or text that may be no frame at all. */
  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  nextId(): number {
    return this.#nextId++;
  }

  /** Sends the frame with an id, and resolves with the reply to it. */
  ask(frame: RawFrame, deadlineMs = DEADLINE_MS): Promise<AnyFrame> {
    const id = this.nextId();
    const reply = this.reply(id, `the answer to ${JSON.stringify(frame).slice(0, 200)}`, deadlineMs);
    this.send({ ...frame, id });
    return reply;
  }

  /** The reply with this id, which is yet to come. */
  reply(id: number, what = `the answer to ${id}`, deadlineMs = DEADLINE_MS): Promise<AnyFrame> {
    const reply = new Promise<AnyFrame>((resolve) => this.#replies.set(id, resolve));
    const gone = this.closed.then(({ code }) => assert.fail(`closed with ${code} before ${what}`));
    return within(what, Promise.race([reply, gone]), deadlineMs);
  }

  async ok(frame: RawFrame, op = "ok"): Promise<OkFrame> {
    const answer = await this.ask(frame);
    assert.equal(answer.op, op, `${JSON.stringify(frame)} → ${JSON.stringify(answer)}`);
    return answer as unknown as OkFrame;
  }

  async refused(frame: RawFrame, code: string): Promise<ErrFrame> {
    const answer = await this.ask(frame);
    assert.equal(answer.op, "err", `${JSON.stringify(frame)} → ${JSON.stringify(answer)}`);
    assert.equal(answer.code, code, JSON.stringify(answer));
    return answer as ErrFrame;
  }

  async sub(ch: string, more: RawFrame = {}): Promise<SubOk> {
    return (await this.ok({ op: "sub", ch, ...more })) as SubOk;
  }
  async pub(ch: string, data: unknown, mid?: string): Promise<PubOk> {
    return (await this.ok({ op: "pub", ch, data, ...(mid === undefined ? {} : { mid }) })) as PubOk;
  }
  async history(ch: string, range: RawFrame = {}): Promise<HistoryOk> {
    return (await this.ok({ op: "history", ch, ...range })) as HistoryOk;
  }
  async presence(ch: string): Promise<PresenceOk> {
    return (await this.ok({ op: "presence", ch })) as PresenceOk;
  }

  /** What arrived on a channel, with a verdict on its order. */
  channel(ch: string): ChannelWatch {
    let watch = this.#channels.get(ch);
    if (watch === undefined) {
      watch = new ChannelWatch(ch);
      this.#channels.set(ch, watch);
    }
    return watch;
  }

  /** The first frame that matches, among those here and those to come. */
  until(
    what: string,
    matches: (frame: AnyFrame) => boolean,
    options: { from?: number; deadlineMs?: number } = {},
  ): Promise<AnyFrame> {
    const here = this.frames.slice(options.from ?? 0).find(matches);
    if (here !== undefined) return Promise.resolve(here);
    if (this.#closed !== undefined)
      return Promise.reject(new Error(`closed with ${this.#closed.code}, so in vain for ${what}`));
    const coming = new Promise<AnyFrame>((resolve, reject) => {
      this.#waiters.push({ matches, resolve, reject });
    });
    return within(what, coming, options.deadlineMs);
  }

  /** Everything that was sent before has been handled by the gateway, and its direct answers are here. */
  async settled(): Promise<void> {
    const from = this.frames.length;
    this.send({ op: "ping" });
    await this.until("a pong", ({ op }) => op === "pong", { from });
  }

  /** Resolves with how the server closed the connection, and checks the good-bye before it. */
  async closedWith(code: number, bye?: string): Promise<Closed> {
    const closed = await within(`a close with ${code}`, this.closed);
    const shown = `closed with ${closed.code} ${closed.reason}; last: ${JSON.stringify(this.frames.at(-1))}`;
    assert.equal(closed.code, code, shown);
    if (bye !== undefined) {
      const last = this.frames.at(-1);
      assert.equal(last?.op, "bye", shown);
      assert.equal((last as { code?: unknown }).code, bye, shown);
    }
    return closed;
  }

  /** Stops and goes on reading from the TCP socket. */
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** Closes in an orderly way. */
  async close(): Promise<void> {
    this.#socket.close();
    const timer = setTimeout(() => this.#socket.terminate(), 2_000);
    await this.closed;
    clearTimeout(timer);
  }

  /** Cuts the TCP connection. */
  cut(): void {
    this.#socket.terminate();
  }

  #receive(data: Buffer): void {
    this.messages.push(data);
    const value = this.encoding === "json" ? JSON.parse(data.toString()) : unpackFrame(data);
    for (const frame of [value].flat() as AnyFrame[]) this.#take(frame);
  }

  #take(frame: AnyFrame): void {
    this.frames.push(frame);
    if (frame.op === "msg") this.channel(frame.ch).messages(frame);
    if (frame.op === "reset") this.channel(frame.ch).reset(frame);
    if (frame.op === "skipped") this.channel(frame.ch).skipped(frame);
    if (frame.op === "ok" && this.#subs.has(frame.id)) this.#subscribed(frame as unknown as SubOk);
    if ((frame.op === "ok" || frame.op === "err" || frame.op === "welcome") && frame.id !== undefined) {
      this.#replies.get(frame.id)?.(frame);
      this.#replies.delete(frame.id);
    }
    const met = this.#waiters.filter(({ matches }) => matches(frame));
    if (met.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve(frame);
  }

  #subscribed(answer: SubOk): void {
    const asked = this.#subs.get(answer.id)!;
    this.#subs.delete(answer.id);
    this.channel(answer.ch).subscribed(asked, answer);
  }
}
