/** A real WebSocket server whose every frame the test decides. */
import type { AddressInfo } from "node:net";
import type { ClientFrame, Limits, ServerFrame, WelcomeFrame } from "@plexus/protocol";
import { WebSocket, WebSocketServer } from "ws";
import { Plexus, type PlexusOptions } from "../index.js";

/** How long a test waits for something that must happen. */
const DEADLINE_MS = 10_000;

export const LIMITS: Limits = {
  frameBytes: 65_536,
  batch: 100,
  channels: 100,
  rewind: 100,
  history: 100,
  inFlight: 32,
};

type FrameOf<Op> = Extract<ClientFrame, { op: Op }>;
type Loose = { op: ServerFrame["op"]; [field: string]: unknown };

/** Things that come one by one and are waited for. */
class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: Array<{ wants: (item: T) => boolean; take: (item: T) => void }> = [];

  put(item: T): void {
    const at = this.#waiting.findIndex(({ wants }) => wants(item));
    if (at === -1) this.#items.push(item);
    else this.#waiting.splice(at, 1)[0]?.take(item);
  }

  take(wants: (item: T) => boolean, what: string): Promise<T> {
    const at = this.#items.findIndex(wants);
    if (at !== -1) return Promise.resolve(this.#items.splice(at, 1)[0] as T);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${what} in ${DEADLINE_MS} ms`)), DEADLINE_MS);
      this.#waiting.push({
        wants,
        take: (item) => {
          clearTimeout(timer);
          resolve(item);
        },
      });
    });
  }

  all(): readonly T[] {
    return this.#items;
  }
}

/** One connection, from the gateway's side. */
export class Peer {
  readonly conn: string;
  readonly closed: Promise<number>;
  /** Frames per WebSocket message, to see what was sent together. */
  readonly batches: number[] = [];
  readonly #socket: WebSocket;
  readonly #frames = new Inbox<ClientFrame>();

  constructor(socket: WebSocket, conn: string) {
    this.#socket = socket;
    this.conn = conn;
    this.closed = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
    socket.on("message", (bytes) => {
      const message = JSON.parse(String(bytes)) as ClientFrame | ClientFrame[];
      const frames = Array.isArray(message) ? message : [message];
      this.batches.push(frames.length);
      for (const frame of frames) this.#frames.put(frame);
    });
  }

  /** The next frame with this `op`. */
  take<Op extends ClientFrame["op"]>(op: Op): Promise<FrameOf<Op>> {
    return this.#frames.take((frame) => frame.op === op, `${op} frame`) as Promise<FrameOf<Op>>;
  }

  /** Frames that nobody took yet. */
  pending(): readonly ClientFrame[] {
    return this.#frames.all();
  }

  /** One frame, or several in one message. */
  send(...frames: Loose[]): void {
    this.#socket.send(JSON.stringify(frames.length === 1 ? frames[0] : frames));
  }

  /** Whatever it is. */
  sendRaw(text: string): void {
    this.#socket.send(text);
  }

  async welcome(fields: Partial<WelcomeFrame> = {}): Promise<FrameOf<"hello">> {
    const hello = await this.take("hello");
    const identity = { conn: this.conn, user: "ann", tenant: "demo", gateway: "gw-1" };
    const greeting = { v: 1, now: Date.now(), expires: Date.now() + 3_600_000, ping: 60_000, limits: LIMITS };
    this.send({ op: "welcome", id: hello.id, ...identity, ...greeting, ...fields });
    return hello;
  }

  /** Answers the next `sub`. */
  async sub(answer: { epoch?: string; seq?: number; recovered?: boolean; members?: unknown[] } = {}) {
    const frame = await this.take("sub");
    this.send({ op: "ok", id: frame.id, ch: frame.ch, epoch: "e1", seq: 0, recovered: true, ...answer });
    return frame;
  }

  /** Messages of `chat.a`, from `seq` on. */
  messages(seq: number, ...texts: string[]): void {
    this.send(messageFrame(seq, texts));
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** No close frame, as when a gateway is killed. */
  kill(): void {
    this.#socket.terminate();
  }
}

export function messageFrame(seq: number, texts: readonly string[], epoch = "e1"): Loose {
  const m = texts.map((data, i) => ({ id: `id-${seq + i}`, user: "bob", conn: "b1", ts: 1, data }));
  return { op: "msg", ch: "chat.a", epoch, seq, n: m.length, m };
}

export interface ScriptedGateway {
  readonly url: string;
  /** The next connection. */
  accept(): Promise<Peer>;
  /** A client of it, closed with it. Fast by default: delays are short, and there is no jitter. */
  client(options?: Partial<PlexusOptions>): Plexus;
  stop(): Promise<void>;
}

export async function startGateway(): Promise<ScriptedGateway> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  const peers = new Inbox<Peer>();
  const clients: Plexus[] = [];
  let accepted = 0;
  server.on("connection", (socket) => {
    accepted += 1;
    peers.put(new Peer(socket, `c${accepted}`));
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/connect`;
  return {
    url,
    accept: () => peers.take(() => true, "connection"),
    client: (options) => {
      const fast = { backoffBaseMs: 20, backoffMaxMs: 40, random: () => 0.5 };
      const client = new Plexus({ url, token: () => "token", WebSocket, ...fast, ...options });
      clients.push(client);
      return client;
    },
    stop: async () => {
      for (const client of clients) client.close();
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Connects `client` and welcomes it. */
export async function connect(gateway: ScriptedGateway, client: Plexus): Promise<Peer> {
  const accepting = gateway.accept().then(async (peer) => {
    await peer.welcome();
    return peer;
  });
  const [peer] = await Promise.all([accepting, client.connect()]);
  return peer;
}

/** Resolves once `holds`, looking again whenever the event loop has turned; rejects at the deadline. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not in ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
