/** One connection of the load: says hello, subscribes, publishes without waiting, and checks what comes. */
import { CONNECT_PATH, type ServerFrame, SUBPROTOCOL_JSON, type SubOk } from "@plexus/protocol";
import type { LoadChannel, RecordHead } from "./channels.js";
import { Subscription } from "./check.js";
import { markedData } from "./marks.js";
import type { Meter } from "./meter.js";
import { LoadWebSocket, UpgradeRefused } from "./websocket.js";

const READY_WITHIN_MS = 30_000;
/** A gateway lets one connection have 1,000 requests without an answer: what is beyond is not the server's fault. */
const MAX_IN_FLIGHT = 800;
/** A head is at most a channel, an epoch and two numbers long. */
const MAX_HEAD_BYTES = 400;
const HEAD = /^\{"op":"msg","ch":"([^"]+)","epoch":"([^"]+)","seq":(\d+),"n":(\d+),/;
/** The `m` of `{"op":"msg"`. */
const OP_AT = 7;

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

export function targetOf(url: string): Target {
  const { hostname, port, protocol } = new URL(url);
  const tls = protocol === "wss:" || protocol === "https:";
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || (tls ? 443 : 80), tls };
}

export interface ConnectionContext {
  /** Of the step under way. */
  readonly meter: () => Meter;
  readonly channelOf: (name: string) => LoadChannel | undefined;
  /** It was closed, and not by this side. */
  readonly lost: (connection: LoadConnection) => void;
}

interface Publishing {
  readonly channel: LoadChannel;
  readonly number: number;
  readonly dueMs: number;
}

export class LoadConnection {
  readonly subscriptions: readonly Subscription[];
  readonly #context: ConnectionContext;
  readonly #byName = new Map<string, Subscription>();
  /** Whether it shows who is present. */
  readonly presence: boolean;
  readonly #publishing = new Map<number, Publishing>();
  #socket: LoadWebSocket | undefined;
  #subscribing = new Map<number, Subscription>();
  #ready: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #nextId = 1;
  #left = false;

  /** @param presence whether it shows who is present */
  constructor(context: ConnectionContext, channels: readonly string[], presence: boolean) {
    this.#context = context;
    this.presence = presence;
    this.subscriptions = channels.map((name) => new Subscription(name));
    for (const subscription of this.subscriptions) this.#byName.set(subscription.channel, subscription);
  }

  get isReady(): boolean {
    return this.#socket !== undefined && this.#ready === undefined;
  }
  get inFlight(): number {
    return this.#publishing.size;
  }

  /** Resolves when every subscription is there; continues those of a connection before. */
  async open({ host, port, tls }: Target, token: string): Promise<void> {
    const closed = (code: number) => this.#closed(code);
    const frame = (chunk: Buffer, from: number, to: number) => this.#frame(chunk, from, to);
    const at = {
      host,
      port,
      tls,
      path: CONNECT_PATH,
      protocol: SUBPROTOCOL_JSON,
      openWithinMs: READY_WITHIN_MS,
    };
    let isOpen = false;
    const socket = await LoadWebSocket.open(at, { frame, closed: (code) => isOpen && closed(code) });
    isOpen = true;
    this.#socket = socket;
    const ready = new Promise<void>((resolve, reject) => {
      this.#ready = { resolve, reject };
    });
    const timer = setTimeout(() => this.#ready?.reject(new Error("timeout")), READY_WITHIN_MS);
    socket.send(JSON.stringify({ op: "hello", id: this.#nextId++, token }));
    this.#subscribing = new Map(this.subscriptions.map((subscription) => [this.#nextId++, subscription]));
    for (const [id, { channel: ch, position: since }] of this.#subscribing)
      socket.send(
        JSON.stringify({
          op: "sub",
          id,
          ch,
          ...(since && { since }),
          ...(this.presence && { presence: true }),
        }),
      );
    try {
      await ready;
    } catch (error) {
      this.#forgetSocket();
      socket.cut();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    this.#ready = undefined;
  }

  /** Sends it and does not wait; the answer is counted when it comes. */
  publish(channel: LoadChannel, number: number, dueMs: number, bytes: number): void {
    const meter = this.#context.meter();
    if (!this.isReady) return meter.error("not_connected");
    if (this.#publishing.size >= MAX_IN_FLIGHT) return meter.error("in_flight_limit");
    const id = this.#nextId++;
    this.#publishing.set(id, { channel, number, dueMs });
    meter.published++;
    this.#socket!.send(
      `{"op":"pub","id":${id},"ch":"${channel.name}","data":"${markedData(number, dueMs, bytes)}"}`,
    );
    meter.lateMs.record(performance.now() - dueMs);
  }

  /** Closed by this side, for good. */
  leave(): void {
    this.#left = true;
    this.#socket?.cut();
    this.#forgetSocket();
    this.#publishing.clear();
  }

  #forgetSocket(): void {
    this.#socket = undefined;
    for (const subscription of this.subscriptions) subscription.live = false;
  }

  #closed(code: number): void {
    if (this.#left || this.#socket === undefined) return;
    const meter = this.#context.meter();
    meter.closed(code);
    for (const _ of this.#publishing) meter.error("closed");
    this.#publishing.clear();
    const ready = this.#ready;
    this.#forgetSocket();
    this.#ready = undefined;
    if (ready !== undefined) return ready.reject(new Error("closed"));
    this.#context.lost(this);
  }

  #frame(chunk: Buffer, from: number, to: number): void {
    // Records are many, and their head is always written in the same way: see docs/protocol.md.
    if (chunk[from + OP_AT] === 0x6d) {
      const match = HEAD.exec(chunk.toString("latin1", from, Math.min(to, from + MAX_HEAD_BYTES)));
      if (match !== null) {
        const head = { epoch: match[2]!, seq: Number(match[3]), n: Number(match[4]) };
        return this.#record(match[1]!, head, chunk, from, to);
      }
    }
    const value = JSON.parse(chunk.toString("utf8", from, to)) as ServerFrame | ServerFrame[];
    for (const frame of Array.isArray(value) ? value : [value]) this.#take(frame);
  }

  #record(name: string, head: RecordHead, chunk: Buffer, from: number, to: number): void {
    const [subscription, channel] = [this.#byName.get(name), this.#context.channelOf(name)];
    if (subscription === undefined || channel === undefined) return;
    const meter = this.#context.meter();
    const { epoch, seq, n } = head;
    const fresh = subscription.received(epoch, seq, n, meter.violations);
    const marks = channel.record(head, chunk, from, to, meter);
    const now = performance.now();
    meter.delivered += fresh;
    for (const { dueMs } of marks.slice(Math.max(0, marks.length - fresh)))
      meter.deliverMs.record(now - dueMs);
  }

  #take(frame: ServerFrame): void {
    const meter = this.#context.meter();
    switch (frame.op) {
      case "welcome":
        if (this.#subscribing.size === 0) this.#ready?.resolve();
        return;
      case "ok":
        return this.#answered(frame as unknown as SubOk);
      case "err":
        return this.#refused(frame.id ?? 0, frame.code);
      case "msg": // in a batch, as recoveries are
        return this.#recovered(frame);
      case "presence":
        meter.presenceEvents++;
        return;
      case "reset":
        meter.unrecovered++;
        return this.#byName.get(frame.ch)?.moved({ epoch: frame.epoch, seq: frame.seq });
      case "skipped":
        meter.error("skipped");
        return this.#byName.get(frame.ch)?.moved({ epoch: frame.epoch, seq: frame.seq + frame.n - 1 });
      default:
    }
  }

  #recovered(frame: Extract<ServerFrame, { op: "msg" }>): void {
    const bytes = Buffer.from(JSON.stringify(frame));
    this.#record(frame.ch, frame, bytes, 0, bytes.length);
  }

  #answered(ok: SubOk): void {
    const meter = this.#context.meter();
    const publishing = this.#publishing.get(ok.id);
    if (publishing !== undefined) {
      this.#publishing.delete(ok.id);
      const { channel, number, dueMs } = publishing;
      meter.acknowledged++;
      meter.ackMs.record(performance.now() - dueMs);
      return channel.check.acknowledged(number, ok, meter.violations);
    }
    const subscription = this.#subscribing.get(ok.id);
    if (subscription === undefined) return;
    this.#subscribing.delete(ok.id);
    if (!subscription.subscribed(ok, ok.recovered)) meter.unrecovered++;
    if (this.#subscribing.size === 0) this.#ready?.resolve();
  }

  #refused(id: number, code: string): void {
    this.#context.meter().error(code);
    this.#publishing.delete(id);
    if (this.#ready !== undefined) this.#ready.reject(new Error(code));
  }
}

/** What to call a failure to open a connection, among the other codes. */
export function openFailure(error: unknown): string {
  if (error instanceof UpgradeRefused) return `upgrade_${error.status}`;
  return (error as NodeJS.ErrnoException).code?.toLowerCase() ?? (error as Error).message;
}
