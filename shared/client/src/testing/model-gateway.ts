/**
 * An honest gateway of a few lines, with its log in memory: the protocol's promises and nothing else. What
 * happens to its connections is up to the faults that it is given.
 */
import type { AddressInfo } from "node:net";
import type { ClientFrame, HistoryMessage, Member, Position } from "@plexus/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { LIMITS } from "./scripted-gateway.js";

type Frame = Record<string, unknown>;
type Answer = Frame | undefined;

/** What befalls a connection; each is asked once per frame from a client. */
export interface Faults {
  /** The connection is cut before the frame is looked at. */
  cutBefore(): boolean;
  /** The connection is cut after the frame was carried out, with its answer. */
  cutAfter(): boolean;
  /** A publish is refused for now. */
  refuse(): boolean;
  /** The gateway says goodbye, and closes a little later. */
  bye(): boolean;
}

const NO_FAULTS: Faults = { cutBefore: no, cutAfter: no, refuse: no, bye: no };

function no(): boolean {
  return false;
}

class Log {
  readonly epoch = "e1";
  readonly messages: HistoryMessage[] = [];
  readonly members = new Map<string, Member>();
  readonly subscribers = new Set<Connection>();

  get head(): Position {
    return { epoch: this.epoch, seq: this.messages.length };
  }
}

export class ModelGateway {
  faults: Faults = NO_FAULTS;
  readonly #logs = new Map<string, Log>();
  readonly #server: WebSocketServer;
  #accepted = 0;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on("connection", (socket) => new Connection(socket, `c${++this.#accepted}`, this));
  }

  static async start(port = 0): Promise<ModelGateway> {
    const server = new WebSocketServer({ host: "127.0.0.1", port });
    await new Promise((resolve) => server.once("listening", resolve));
    return new ModelGateway(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/connect`;
  }

  /** How many connections there have been. */
  get accepted(): number {
    return this.#accepted;
  }

  log(channel: string): Log {
    let log = this.#logs.get(channel);
    if (log === undefined) {
      log = new Log();
      this.#logs.set(channel, log);
    }
    return log;
  }

  async stop(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

class Connection {
  readonly #socket: WebSocket;
  readonly #conn: string;
  readonly #gateway: ModelGateway;
  readonly #channels = new Map<string, Log>();
  #user = "";
  #isLeaving = false;

  constructor(socket: WebSocket, conn: string, gateway: ModelGateway) {
    this.#socket = socket;
    this.#conn = conn;
    this.#gateway = gateway;
    socket.on("message", (bytes) => {
      const message = JSON.parse(String(bytes)) as ClientFrame | ClientFrame[];
      for (const frame of Array.isArray(message) ? message : [message]) this.#receive(frame);
    });
    socket.on("close", () => {
      for (const ch of [...this.#channels.keys()]) this.#unsubscribe(ch);
    });
  }

  send(frame: Frame): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #receive(frame: ClientFrame): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const { faults } = this.#gateway;
    if (faults.cutBefore()) return this.#socket.terminate();
    const answer = this.#carryOut(frame);
    if (faults.cutAfter()) return this.#socket.terminate();
    if (answer !== undefined) this.send({ op: "ok", id: "id" in frame ? frame.id : undefined, ...answer });
    if (frame.op === "sub" && answer?.op !== "err") this.#catchUp(frame);
    if (!this.#isLeaving && frame.op !== "hello" && faults.bye()) this.#sayGoodbye();
  }

  #sayGoodbye(): void {
    this.#isLeaving = true;
    this.send({ op: "bye", code: "draining", reason: "draining", reconnect: { min: 0, max: 5 } });
    setTimeout(() => this.#socket.close(4000), 30);
  }

  #carryOut(frame: ClientFrame): Answer {
    switch (frame.op) {
      case "hello":
        this.#user = frame.token ?? "";
        return {
          ...{ op: "welcome", v: 1, conn: this.#conn, user: this.#user, tenant: "t", gateway: "model" },
          ...{ now: Date.now(), ping: 20_000, limits: LIMITS },
        };
      case "sub": {
        if (this.#channels.has(frame.ch))
          return { op: "err", code: "bad_request", message: "subscribed already" };
        const log = this.#gateway.log(frame.ch);
        if (frame.presence) this.#join(frame.ch, log);
        const recovered = frame.since === undefined || frame.since.epoch === log.epoch;
        const members = frame.presence ? { members: [...log.members.values()], count: log.members.size } : {};
        return { ch: frame.ch, ...log.head, recovered, ...members };
      }
      case "unsub":
        if (!this.#channels.has(frame.ch)) return { op: "err", code: "not_subscribed", message: "not here" };
        this.#unsubscribe(frame.ch);
        return {};
      case "pub":
        return this.#publish(frame);
      case "history": {
        const all = this.#gateway.log(frame.ch).messages;
        const limit = frame.limit ?? 50;
        const found =
          frame.after === undefined
            ? all.slice(0, (frame.before ?? all.length + 1) - 1).slice(-limit)
            : all.slice(frame.after, frame.after + limit);
        const first = frame.after === undefined ? found[0]?.seq !== 1 : found.at(-1)?.seq !== all.length;
        return { epoch: "e1", messages: found, more: found.length > 0 && first };
      }
      case "presence": {
        const members = [...this.#gateway.log(frame.ch).members.values()];
        return { members, count: members.length };
      }
      case "state": {
        const member = this.#gateway.log(frame.ch).members.get(this.#conn);
        if (member !== undefined)
          this.#tell(frame.ch, { update: [Object.assign(member, { state: frame.data })] });
        return {};
      }
      case "signal":
        for (const other of this.#gateway.log(frame.ch).subscribers)
          if (other !== this)
            other.send({ op: "signal", ch: frame.ch, user: this.#user, conn: this.#conn, data: frame.data });
        return undefined;
      case "auth":
        return { expires: Date.now() + 3_600_000 };
      case "ping":
        this.send({ op: "pong" });
        return undefined;
    }
  }

  #publish(frame: Extract<ClientFrame, { op: "pub" }>): Answer {
    const refusal = { op: "err", code: "rate_limited", message: "slower", retry: 5 };
    if (this.#gateway.faults.refuse()) return refusal;
    const log = this.#gateway.log(frame.ch);
    const known = log.messages.find((m) => m.id === frame.mid && m.user === this.#user);
    if (known !== undefined) return { epoch: log.epoch, seq: known.seq, ts: known.ts, dup: true };
    const seq = log.messages.length + 1;
    const who = { id: frame.mid ?? `g${seq}`, user: this.#user, conn: this.#conn };
    const message = { ...who, ts: Date.now(), data: frame.data, seq };
    log.messages.push(message);
    for (const subscriber of log.subscribers) subscriber.#deliver(frame.ch, log, [message]);
    return { epoch: log.epoch, seq, ts: message.ts };
  }

  #deliver(ch: string, log: Log, messages: HistoryMessage[]): void {
    const first = messages[0];
    if (first === undefined) return;
    this.send({ op: "msg", ch, epoch: log.epoch, seq: first.seq, n: messages.length, m: messages });
  }

  /** After the answer to `sub`: what lies before live, then live. */
  #catchUp(frame: Extract<ClientFrame, { op: "sub" }>): void {
    const log = this.#gateway.log(frame.ch);
    const from = frame.since?.seq ?? log.messages.length - (frame.rewind ?? 0);
    this.#deliver(frame.ch, log, log.messages.slice(Math.max(0, from)));
    log.subscribers.add(this);
    this.#channels.set(frame.ch, log);
  }

  #join(ch: string, log: Log): void {
    if (log.members.has(this.#conn)) return;
    const member = { conn: this.#conn, user: this.#user, state: null, since: Date.now() };
    log.members.set(this.#conn, member);
    this.#tell(ch, { join: [member] });
  }

  #unsubscribe(ch: string): void {
    const log = this.#gateway.log(ch);
    this.#channels.delete(ch);
    log.subscribers.delete(this);
    const member = log.members.get(this.#conn);
    if (log.members.delete(this.#conn)) this.#tell(ch, { leave: [member] });
  }

  #tell(ch: string, change: Frame): void {
    for (const subscriber of this.#gateway.log(ch).subscribers)
      subscriber.send({ op: "presence", ch, ...change });
  }
}
