/**
 * One connection, from the handshake to its end: a WebSocket that sends what belongs to one turn together,
 * pairs answers with what was asked, and notices when the other end is gone. It never comes back: whoever
 * wants that makes another one.
 */
import {
  type ByeFrame,
  type ClientFrame,
  type ErrFrame,
  isErrorCode,
  type OkFrame,
  PlexusError,
  type ServerFrame,
  type WelcomeFrame,
} from "@plexus/protocol";
import { Alarm } from "./clock.js";
import { resetBehind } from "./damaged.js";
import type { Ending } from "./ending.js";
import { LinkLost } from "./errors.js";
import { Liveness } from "./liveness.js";
import type { Settings } from "./options.js";
import { Outbox } from "./outbox.js";
import type { Socket } from "./socket.js";

export type LinkOptions = Pick<
  Settings,
  | "url"
  | "WebSocket"
  | "codec"
  | "clock"
  | "connectTimeoutMs"
  | "requestTimeoutMs"
  | "pongTimeoutMs"
  | "maxBufferedBytes"
>;

/** Frames that nobody asked for; `ok`, `err` with an id, `welcome` and `pong` end in the link. */
export type PushedFrame = Exclude<ServerFrame, { op: "ok" | "welcome" | "pong" }>;

export interface LinkHandlers {
  welcome(link: Link): void;
  frame(link: Link, frame: PushedFrame): void;
  /** Once, after everything unanswered was told. */
  end(link: Link, ending: Ending): void;
}

/** What becomes of a request. Called in the order of the frames, before the next frame is looked at. */
export interface Answer {
  ok(frame: OkFrame): void;
  /** A {@link LinkLost} where the connection ended first. */
  error(error: PlexusError): void;
}

type WithoutId<F> = F extends { id: number } ? Omit<F, "id"> : never;
/** A frame that gets an answer, before it has its id. */
export type Question = WithoutId<ClientFrame>;

/** Before the welcome only `hello` is sent; no gateway allows less than this. */
const LIMITS_BEFORE_WELCOME = { frameBytes: 16_384, batch: 1 };
/** A gateway that refuses says good-bye and closes; one that does not is left after this. */
const REFUSAL_GRACE_MS = 1_000;
const PING: ClientFrame = { op: "ping" };

let lastLinkId = 0;

export class Link {
  readonly id = ++lastLinkId;
  /** The one that the gateway has of us: said with `hello`, replaced by `auth`. */
  token: string;
  /** The gateway's greeting; undefined until then. */
  welcome: WelcomeFrame | undefined;
  readonly #options: LinkOptions;
  readonly #handlers: LinkHandlers;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #answers = new Map<number, Answer & { deadlineAt: number }>();
  readonly #alarm: Alarm;
  #liveness: Liveness;
  #lastRequestId = 0;
  #flushing = false;
  #bye: ByeFrame | undefined;
  #leaveBy: number | undefined;
  /** Why the gateway does not welcome us. */
  #refusal: PlexusError | undefined;
  #ended = false;

  constructor(token: string, options: LinkOptions, handlers: LinkHandlers) {
    const { clock, codec, connectTimeoutMs, pongTimeoutMs } = options;
    this.token = token;
    this.#options = options;
    this.#handlers = handlers;
    this.#outbox = new Outbox(codec, LIMITS_BEFORE_WELCOME);
    this.#alarm = new Alarm(clock, () => this.#check());
    this.#liveness = new Liveness({ pingMs: Number.POSITIVE_INFINITY, pongTimeoutMs }, clock.now());
    const socket: Socket = new options.WebSocket(options.url, [codec.subprotocol]);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#hello();
    socket.onmessage = (event: { data: string | ArrayBuffer }) => this.#receive(event.data);
    // Platforms say nothing useful here, and a close event follows.
    socket.onerror = () => undefined;
    socket.onclose = (event: { code: number; reason: string }) => this.#end(event.code, event.reason);
    this.#alarm.set(clock.now() + connectTimeoutMs);
  }

  get isOpen(): boolean {
    return !this.#ended && this.welcome !== undefined;
  }

  /** The gateway's announcement that it will end this connection. */
  get bye(): ByeFrame | undefined {
    return this.#bye;
  }

  /** Questions without an answer yet. */
  get pending(): number {
    return this.#answers.size;
  }

  /** Queues a frame; everything of this turn goes out together. False where the connection can't take it. */
  send(frame: ClientFrame): boolean {
    if (this.#ended || this.#socket.bufferedAmount > this.#options.maxBufferedBytes) return false;
    this.#outbox.add(frame);
    this.#scheduleFlush();
    return true;
  }

  /** Asks; the answer, an error or the end of the connection is told exactly once, never before this returns. */
  ask(question: Question, answer: Answer): void {
    const id = ++this.#lastRequestId;
    const refuse = (error: PlexusError) => queueMicrotask(() => answer.error(error));
    try {
      if (this.#ended) return refuse(new LinkLost());
      this.#outbox.add({ ...question, id } as ClientFrame);
    } catch (error) {
      if (!(error instanceof PlexusError)) throw error;
      return refuse(error);
    }
    const deadlineAt = this.#options.clock.now() + this.#options.requestTimeoutMs;
    this.#answers.set(id, { ok: answer.ok, error: answer.error, deadlineAt });
    this.#scheduleFlush();
    this.#arm();
  }

  /** {@link ask} as a promise, for whoever does not depend on the order of frames. */
  request(question: Question): Promise<OkFrame> {
    return new Promise((ok, error) => this.ask(question, { ok, error }));
  }

  /** Doubts the connection: it has `timeoutMs` to prove that it lives. */
  probe(timeoutMs: number): void {
    if (!this.isOpen) return;
    this.#liveness.probe(timeoutMs);
    this.#check();
  }

  /** Ends the connection as soon as everything asked is answered, `graceMs` from now at the latest. */
  leave(graceMs: number): void {
    if (this.#ended) return;
    this.#leaveBy = this.#options.clock.now() + graceMs;
    this.#arm();
    this.#leaveIfIdle();
  }

  /** Ends the connection. The end is told at once: a dead peer would never confirm it. */
  close(code: number, reason: string, error?: PlexusError): void {
    if (this.#ended) return;
    this.#flush();
    this.#socket.close(code, reason);
    this.#end(code, reason, error);
  }

  #hello(): void {
    const ok = () => undefined;
    this.ask({ op: "hello", token: this.token }, { ok, error: (error) => this.#refused(error) });
    this.#flush();
  }

  /** The good-bye that follows says whether to come back, and when. */
  #refused(error: PlexusError): void {
    if (this.#ended) return;
    this.#refusal = error;
    this.#alarm.set(this.#options.clock.now() + REFUSAL_GRACE_MS);
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#ended) return;
    this.#liveness.received(this.#options.clock.now());
    let frames: unknown;
    try {
      frames = this.#options.codec.decode(data);
    } catch (cause) {
      const reset = resetBehind(data);
      if (reset !== null) return this.#dispatch(reset);
      const error = new PlexusError("unavailable", "the gateway sent something malformed", { cause });
      this.close(1000, "malformed frame", error);
      return;
    }
    for (const frame of Array.isArray(frames) ? frames : [frames]) {
      if (this.#ended) return;
      if (typeof frame === "object" && frame !== null) this.#dispatch(frame as ServerFrame);
    }
  }

  #dispatch(frame: ServerFrame): void {
    switch (frame.op) {
      case "ok":
        this.#answer(frame.id)?.ok(frame);
        return this.#leaveIfIdle();
      case "err":
        if (frame.id === undefined) return this.#handlers.frame(this, frame);
        this.#answer(frame.id)?.error(errorOf(frame));
        return this.#leaveIfIdle();
      case "welcome":
        return this.#welcomed(frame);
      case "pong":
        return;
      case "bye":
        this.#bye = frame;
        return this.#handlers.frame(this, frame);
      case "msg":
      case "presence":
      case "signal":
      case "reset":
      case "skipped":
      case "ended":
        return this.#handlers.frame(this, frame);
      default:
      // A later version's frame: it is not for us.
    }
  }

  #answer(id: number): Answer | undefined {
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    return answer;
  }

  #leaveIfIdle(): void {
    if (this.#leaveBy !== undefined && this.#answers.size === 0) this.close(1000, "moved on");
  }

  #welcomed(frame: WelcomeFrame): void {
    const { clock, pongTimeoutMs } = this.#options;
    this.#answers.delete(frame.id);
    this.welcome = frame;
    this.#outbox.limit(frame.limits);
    this.#liveness = new Liveness({ pingMs: frame.ping, pongTimeoutMs }, clock.now());
    this.#alarm.clear();
    this.#arm();
    this.#handlers.welcome(this);
  }

  #scheduleFlush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#ended || this.#outbox.isEmpty) return;
    for (const message of this.#outbox.drain()) this.#socket.send(message);
    this.#liveness.sent(this.#options.clock.now());
  }

  /** The alarm is not moved by every frame: when it rings, the check finds out what is due. */
  #arm(): void {
    if (this.#ended || this.welcome === undefined) return;
    let at = this.#liveness.nextAt();
    // All requests wait equally long, so the first in the map is the first to run out.
    for (const { deadlineAt } of this.#answers.values()) {
      at = Math.min(at, deadlineAt);
      break;
    }
    this.#alarm.advance(Math.min(at, this.#leaveBy ?? at));
  }

  #check(): void {
    const now = this.#options.clock.now();
    if (this.#refusal !== undefined) return this.close(1000, "hello refused");
    if (this.welcome === undefined)
      return this.close(1000, "too slow", new PlexusError("timeout", "no welcome in time"));
    for (const [id, { deadlineAt }] of this.#answers) {
      if (deadlineAt > now) break;
      this.#answer(id)?.error(new PlexusError("timeout", "no answer in time"));
    }
    if (this.#leaveBy !== undefined && now >= this.#leaveBy) return this.close(1000, "moved on");
    const due = this.#liveness.check(now);
    if (due === "dead")
      return this.close(1000, "silent", new PlexusError("timeout", "the gateway is silent"));
    if (due === "ping") this.send(PING);
    this.#arm();
  }

  #end(code: number, reason: string, error?: PlexusError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#alarm.clear();
    const answers = [...this.#answers.values()];
    this.#answers.clear();
    for (const answer of answers) answer.error(new LinkLost());
    this.#handlers.end(this, { code, reason, bye: this.#bye, error: error ?? this.#refusal });
  }
}

function errorOf(frame: ErrFrame): PlexusError {
  // A code of a later version: retryable, as a defect of ours would be.
  const code = isErrorCode(frame.code) ? frame.code : "internal";
  return new PlexusError(code, frame.message, { retry: frame.retry });
}
