/** One connection of the probe: comes back and resumes whatever happens to it, as an SDK does. */
import { setTimeout as pause } from "node:timers/promises";
import {
  CONNECT_PATH,
  type ErrFrame,
  type MsgFrame,
  type PubOk,
  type ServerFrame,
  SUBPROTOCOL_JSON,
  type SubOk,
} from "@plexus/protocol";
import type { Target } from "../load/connection.js";
import { LoadWebSocket } from "../load/websocket.js";
import type { ProbeLane, ProbeView } from "./lane.js";

const OPEN_WITHIN_MS = 2_000;
const READY_WITHIN_MS = 5_000;
/** A connection that brings nothing for so long, not even a pong, is dead. */
const SILENCE_MS = 3_000;
/** Longer than a gateway's own deadline for a command (10 s): then an answer does not come any more. */
const ANSWER_WITHIN_MS = 12_000;
const COME_BACK_MS = { min: 50, max: 400 };

export interface ProbeEvents {
  received(view: ProbeView, frame: MsgFrame): void;
  error(code: string): void;
  cameBack(): void;
}

interface Publishing {
  readonly lane: ProbeLane;
  readonly number: number;
  readonly since: number;
}

export class ProbeConnection {
  readonly #targets: readonly Target[];
  readonly #token: string;
  readonly #views: ReadonlyMap<string, ProbeView>;
  readonly #events: ProbeEvents;
  readonly #over = new AbortController();
  readonly #publishing = new Map<number, Publishing>();
  readonly #subscribing = new Map<number, ProbeView>();
  #socket: LoadWebSocket | undefined;
  #ready = false;
  #heardAt = 0;
  #openedAt = 0;
  #nextId = 1;
  #tries = 0;

  constructor(targets: readonly Target[], token: string, views: readonly ProbeView[], events: ProbeEvents) {
    this.#targets = targets;
    this.#token = token;
    this.#views = new Map(views.map((view) => [view.lane.channel, view]));
    this.#events = events;
    void this.#keepOpen();
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** Sends what the lane has for now. */
  pump(lane: ProbeLane, now: number): void {
    if (!this.#ready) return;
    const number = lane.take();
    if (number === undefined) return;
    const id = this.#nextId++;
    this.#publishing.set(id, { lane, number, since: now });
    this.#send({ op: "pub", id, ch: lane.channel, mid: lane.midOf(number), data: { n: number } });
  }

  /** To be called now and then: a connection that is silent, or owes an answer for too long, is given up. */
  look(now: number): void {
    if (this.#socket === undefined) return;
    const overdue = [...this.#publishing.values()].some(({ since }) => now - since > ANSWER_WITHIN_MS);
    const silent = now - this.#heardAt > SILENCE_MS;
    const slow = !this.#ready && now - this.#openedAt > READY_WITHIN_MS;
    if (overdue || silent || slow) this.#socket.cut();
    else this.#send({ op: "ping" });
  }

  leave(): void {
    this.#over.abort();
    this.#socket?.cut();
  }

  #send(frame: object): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  async #keepOpen(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const closed = await this.#open();
      await closed;
      if (this.#over.signal.aborted) return;
      const { min, max } = COME_BACK_MS;
      await pause(min + Math.random() * (max - min), undefined, { signal: this.#over.signal }).catch(
        () => undefined,
      );
    }
  }

  /** Resolves when it is open or could not be opened; to the promise of its end. */
  async #open(): Promise<Promise<void>> {
    let end: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { host, port, tls } = this.#targets[this.#tries++ % this.#targets.length]!;
    const target = {
      host,
      port,
      tls,
      path: CONNECT_PATH,
      protocol: SUBPROTOCOL_JSON,
      openWithinMs: OPEN_WITHIN_MS,
    };
    try {
      this.#socket = await LoadWebSocket.open(target, {
        frame: (chunk, from, to) => this.#frame(chunk, from, to),
        closed: (code) => {
          this.#closed(code);
          end();
        },
      });
    } catch {
      this.#events.error("not_connected"); // and it tries again
      return Promise.resolve();
    }
    if (this.#over.signal.aborted) this.#socket.cut();
    this.#subscribing.clear(); // one that was closed before it was known may have left some
    this.#heardAt = this.#openedAt = performance.now();
    this.#send({ op: "hello", id: this.#nextId++, token: this.#token });
    for (const view of this.#views.values()) {
      const id = this.#nextId++;
      const { position: since } = view.subscription;
      this.#subscribing.set(id, view);
      this.#send({ op: "sub", id, ch: view.lane.channel, ...(since !== undefined && { since }) });
    }
    return closed;
  }

  #closed(code: number): void {
    if (this.#socket === undefined) return; // it was never open
    this.#socket = undefined;
    this.#ready = false;
    if (!this.#over.signal.aborted) this.#events.error(`closed_${code}`);
    for (const { lane } of this.#publishing.values()) lane.failed();
    this.#publishing.clear();
    this.#subscribing.clear();
  }

  #frame(chunk: Buffer, from: number, to: number): void {
    this.#heardAt = performance.now();
    const value = JSON.parse(chunk.toString("utf8", from, to)) as ServerFrame | ServerFrame[];
    for (const frame of Array.isArray(value) ? value : [value]) this.#take(frame);
  }

  #take(frame: ServerFrame): void {
    switch (frame.op) {
      case "welcome":
        return this.#becomeReady();
      case "ok":
        return this.#answered(frame as PubOk & SubOk);
      case "err":
        return this.#refused(frame);
      case "msg": {
        const view = this.#views.get(frame.ch);
        return view === undefined ? undefined : this.#events.received(view, frame);
      }
      case "reset":
        return this.#views.get(frame.ch)?.reset({ epoch: frame.epoch, seq: frame.seq });
      case "bye":
        return this.#socket?.cut(); // told to go: it goes on where another gateway takes it
      default:
    }
  }

  #answered(ok: PubOk & SubOk): void {
    const publishing = this.#publishing.get(ok.id);
    if (publishing !== undefined) {
      this.#publishing.delete(ok.id);
      const { lane, number } = publishing;
      lane.acknowledged(number, ok, performance.now());
      return this.pump(lane, performance.now());
    }
    this.#subscribing.get(ok.id)?.subscribed(ok, ok.recovered);
    this.#subscribing.delete(ok.id);
    this.#becomeReady();
  }

  #becomeReady(): void {
    if (this.#ready || this.#subscribing.size > 0) return;
    this.#ready = true;
    this.#events.cameBack();
  }

  #refused({ id = 0, code, retry = 100 }: ErrFrame): void {
    this.#events.error(code);
    const publishing = this.#publishing.get(id);
    this.#publishing.delete(id);
    if (publishing !== undefined) setTimeout(() => publishing.lane.failed(), retry).unref();
    // A subscription that was refused is asked for again with the next connection.
    if (this.#subscribing.has(id)) this.#socket?.cut();
  }
}
