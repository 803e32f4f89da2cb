/** One WebSocket connection of the load: raw frames in JSON, answers found by id without a closure per message. */
import type { ErrFrame, OkFrame, ServerFrame, WelcomeFrame } from "@plexus/protocol";
import { SUBPROTOCOL_JSON } from "@plexus/protocol";
import { WebSocket } from "ws";

/** Who waits for the answer to a frame. */
export interface Waiter {
  answered(frame: OkFrame | WelcomeFrame, now: number): void;
  /** `closed`: the connection is gone; `overdue`: no answer came for much too long. */
  refused(reason: ErrFrame | "closed" | "overdue", now: number): void;
}

export interface WireListener {
  /** Everything that is no answer. */
  frame(wire: Wire, frame: ServerFrame): void;
  closed(wire: Wire): void;
}

/** Longer than a gateway's own deadline for a command (10 s): then something is wrong. */
const ANSWER_DEADLINE_MS = 15_000;
/** A connection that brings nothing for so long, not even a pong, is dead. */
const SILENCE_MS = 8_000;
const CONNECT_DEADLINE_MS = 5_000;

export class Wire {
  readonly #socket: WebSocket;
  readonly #listener: WireListener;
  readonly #waiting = new Map<number, { waiter: Waiter; since: number }>();
  #nextId = 1;
  #outbox: string[] = [];
  #outboxBytes = 0;
  #heardAt = performance.now();
  welcome: WelcomeFrame | undefined;
  /** Closed by this side, because it is not needed any more. */
  left = false;

  private constructor(socket: WebSocket, listener: WireListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on("message", (data: Buffer) => this.#receive(data));
    socket.on("close", () => this.#closed());
  }

  /** Connects and says hello. */
  static async open(url: string, token: string, listener: WireListener): Promise<Wire> {
    const socket = new WebSocket(url, [SUBPROTOCOL_JSON], {
      perMessageDeflate: false,
      handshakeTimeout: CONNECT_DEADLINE_MS,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      // Stays for good: "close" follows every error, and is what counts.
      socket.on("error", reject);
    });
    const wire = new Wire(socket, listener);
    const timer = setTimeout(() => wire.drop(), CONNECT_DEADLINE_MS);
    wire.welcome = (await wire
      .ask({ op: "hello", token })
      .finally(() => clearTimeout(timer))) as WelcomeFrame;
    return wire;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }
  /** Frames without an answer yet. */
  get inFlight(): number {
    return this.#waiting.size;
  }

  ask(frame: object): Promise<OkFrame | WelcomeFrame> {
    return new Promise((resolve, reject) => {
      const refused = (reason: ErrFrame | "closed" | "overdue") =>
        reject(new Error(typeof reason === "string" ? reason : `${reason.code}: ${reason.message}`));
      this.queue(frame, { answered: resolve, refused });
      this.flush();
    });
  }

  /** Adds a frame to what {@link flush} sends as batches. */
  queue(frame: object, waiter: Waiter): void {
    if (!this.isOpen) return queueMicrotask(() => waiter.refused("closed", performance.now()));
    const id = this.#nextId++;
    this.#waiting.set(id, { waiter, since: performance.now() });
    const json = JSON.stringify({ ...frame, id });
    const { batch, frameBytes } = this.welcome?.limits ?? { batch: 1, frameBytes: 1_024 };
    if (this.#outbox.length >= batch || this.#outboxBytes + json.length > frameBytes / 2) this.flush();
    this.#outbox.push(json);
    this.#outboxBytes += json.length;
  }

  flush(): void {
    if (this.#outbox.length === 0) return;
    if (this.isOpen) this.#socket.send(this.#outbox.length === 1 ? this.#outbox[0]! : `[${this.#outbox}]`);
    this.#outbox = [];
    this.#outboxBytes = 0;
  }

  /** To be called now and then: gives up what was not answered, and keeps the connection from looking dead. */
  look(now: number): void {
    if (now - this.#heardAt > SILENCE_MS) this.drop();
    for (const [id, { waiter, since }] of this.#waiting) {
      if (now - since < ANSWER_DEADLINE_MS) break;
      this.#waiting.delete(id);
      waiter.refused("overdue", now);
    }
    if (this.isOpen) this.#socket.send('{"op":"ping"}');
  }

  leave(): void {
    this.left = true;
    this.#socket.close();
  }

  /** Ends it without a word, as if the network had. */
  drop(): void {
    this.#socket.terminate();
  }

  #receive(data: Buffer): void {
    const value = JSON.parse(data.toString()) as ServerFrame | ServerFrame[];
    const now = performance.now();
    this.#heardAt = now;
    if (Array.isArray(value)) for (const frame of value) this.#take(frame, now);
    else this.#take(value, now);
  }

  #take(frame: ServerFrame, now: number): void {
    if (frame.op !== "ok" && frame.op !== "err" && frame.op !== "welcome")
      return this.#listener.frame(this, frame);
    const waiting = this.#waiting.get(frame.id ?? 0);
    if (waiting === undefined) return;
    this.#waiting.delete(frame.id!);
    if (frame.op === "err") waiting.waiter.refused(frame, now);
    else waiting.waiter.answered(frame, now);
  }

  #closed(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { waiter } of waiting) waiter.refused("closed", performance.now());
    this.#listener.closed(this);
  }
}
