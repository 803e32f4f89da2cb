/**
 * One client's connection: its identity, its subscriptions, and how frames get out to it.
 */

import type { WebSocket } from "uWebSockets.js";
import {
  type ByeFrame,
  CLOSES,
  type CloseName,
  type ErrFrame,
  fragmentSender,
  type PlexusError,
  type ServerFrame,
} from "@plexus/protocol";
import { packFrame } from "@plexus/protocol/msgpack";
import type { Identity } from "./auth/identity.js";
import type { ChannelRelay } from "./channel-relay.js";
import { type Encoding, topic } from "./fan-out.js";
import * as metrics from "./metrics.js";
import { ConnectionUsage } from "./rates.js";
import { RefusedPublishes } from "./refused-publishes.js";
import { asText, transcode } from "./transcode.js";

/** What uWebSockets keeps with each socket. */
export interface SocketData {
  connection: Connection;
}
export type Socket = WebSocket<SocketData>;

interface Sender {
  readonly json: string;
  readonly bytes: number;
}

/**
 * `joining`: the relay is being opened or the past recovered; `live`: the topic is subscribed;
 * `left`: given up, whatever is still under way for it must stop.
 */
export interface Subscription {
  readonly channel: string;
  readonly relay: ChannelRelay;
  /** A member, and told of the others. */
  presence: boolean;
  state: "joining" | "live" | "left";
  /** Counted among the watchers of the channel's members. */
  watching: boolean;
  /** Which of the connection's subscriptions that came about: 1, 2, 3 …; 0 before it has. */
  number: number;
  /** Its `sub` has its answer. */
  answered: boolean;
  /** Why it was given up before that. */
  refusal?: PlexusError;
}

/** More bytes than any frame has. */
const NEVER_COMPRESS = 2 ** 30;
/** How many frames that could not be understood a connection may send before it is closed. */
const MAX_BAD_FRAMES = 100;

export class Connection {
  readonly id: string;
  readonly encoding: Encoding;
  readonly openedAt: number;
  readonly subscriptions = new Map<string, Subscription>();
  /** How many there ever were. */
  subscriptionsMade = 0;
  /** Publishes that were let in, or refused for a reason of their own. */
  publishesMade = 0;
  /** Requests without an answer yet. */
  inFlight = 0;
  /** Those among them that read history or members. */
  reads = 0;
  /** When its unsent bytes were first seen above the bound; 0 while they are not. */
  slowSince = 0;
  badFrames = 0;
  /** Tokens that `auth` has shown so far, and which of them counts: a check may take longer than that of a later one. */
  tokensShown = 0;
  tokenThatCounts = 0;
  readonly usage = new ConnectionUsage();
  readonly refusedPublishes = new RefusedPublishes();
  /** Where the client connects from. */
  address: string | undefined;
  /** The token that the address brought which it connected to, until `hello`. */
  queryToken: string | undefined;
  #identity: Identity | null = null;
  #sender: Sender | undefined;
  #socket: Socket | null = null;
  // Most connections are idle most of the time: they hold no list of what waits for nothing.
  #outbox: string[] | null = null;
  #drained: Array<() => void> | null = null;
  #goodBye: CloseName | undefined;
  readonly #compressFrom: number;

  /**
   * @param compressFrom bytes from which on an answer is compressed if the client agreed to it. What goes to many, or what
   *   many missed, is not: it would be compressed for each of them, for 20 to 500 µs of the event loop's time a piece
   */
  constructor(id: string, encoding: Encoding, now: number, compressFrom = NEVER_COMPRESS) {
    this.id = id;
    this.encoding = encoding;
    this.openedAt = now;
    this.#compressFrom = compressFrom;
  }

  get identity(): Identity {
    return this.#identity!;
  }
  get isOpen(): boolean {
    return this.#socket !== null;
  }
  get isWelcome(): boolean {
    return this.#identity !== null;
  }

  /** What log lines about it say. */
  get named(): { conn: string; tenant?: string; user?: string } {
    const { id: conn } = this;
    if (this.#identity === null) return { conn };
    const { tenant, user } = this.#identity;
    return { conn, tenant, user };
  }

  attach(socket: Socket): void {
    this.#socket = socket;
  }

  identify(identity: Identity): void {
    this.#identity = identity;
    this.#sender = undefined;
  }

  /** The sender's part of every message, encoded with the first one, and its bytes. */
  get sender(): Sender {
    this.#sender ??= senderOf(this.identity.user, this.id);
    return this.#sender;
  }

  /** The socket is gone; nothing can be sent any more. */
  detach(): void {
    this.#socket = null;
    this.#outbox = null;
    this.#wake();
  }

  /** Sends a frame now, before anything that is published later in this turn. */
  send(frame: ServerFrame): void {
    if (this.#socket === null) return;
    if (this.encoding === "json") this.#write(JSON.stringify(frame), false, this.#compressFrom);
    else this.#write(packFrame(frame), true, this.#compressFrom);
  }

  /** Sends a frame that exists as the bytes of its JSON. */
  sendBytes(json: Uint8Array): void {
    if (this.#socket === null) return;
    const message = this.encoding === "json" ? asText(json) : transcode(json);
    if (message !== null) this.#write(message, this.encoding === "msgpack");
  }

  sendError(id: number | undefined, error: PlexusError): void {
    metrics.countError(error.code);
    const frame: ErrFrame = { op: "err", code: error.code, message: error.message };
    if (id !== undefined) frame.id = id;
    if (error.retry !== undefined) frame.retry = error.retry;
    this.send(frame);
  }

  /**
   * Queues the JSON of an answer until {@link flush}: the answers of one turn leave as one message. Returns
   * whether this is the first one queued.
   */
  queue(json: string): boolean {
    if (this.#socket === null) return false;
    if (this.#outbox === null) {
      this.#outbox = [json];
      return true;
    }
    this.#outbox.push(json);
    return false;
  }

  flush(): void {
    const frames = this.#outbox;
    this.#outbox = null;
    if (this.#socket === null || frames === null) return;
    const json = frames.length === 1 ? frames[0]! : `[${frames.join(",")}]`;
    if (this.encoding === "json") this.#write(json, false);
    else this.#write(packFrame(JSON.parse(json)), true);
  }

  get bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  /** Resolves once at most `bytes` are unsent, or the connection is gone. */
  async drainedBelow(bytes: number): Promise<void> {
    while (this.#socket !== null && this.bufferedBytes > bytes)
      await new Promise<void>((resolve) => {
        this.#drained ??= [];
        this.#drained.push(resolve);
      });
  }

  /** The socket could send some of what waited. */
  onDrain(): void {
    this.#wake();
  }

  join(key: string, presence: boolean): void {
    this.joinMessages(key);
    if (presence) this.#socket?.subscribe(topic(key, this.encoding, "presence"));
  }

  joinMessages(key: string): void {
    this.#socket?.subscribe(topic(key, this.encoding, "messages"));
  }

  leaveMessages(key: string): void {
    this.#socket?.unsubscribe(topic(key, this.encoding, "messages"));
  }

  leave(key: string): void {
    this.leaveMessages(key);
    this.leavePresence(key);
  }

  leavePresence(key: string): void {
    this.#socket?.unsubscribe(topic(key, this.encoding, "presence"));
  }

  /** Counts a frame that made no sense; true once there were too many. */
  countBadFrame(): boolean {
    return ++this.badFrames > MAX_BAD_FRAMES;
  }

  /** Tells the client to go, which it may do in its own time. */
  sayGoodBye(name: CloseName, reconnect: ByeFrame["reconnect"]): void {
    if (this.#goodBye === name) return;
    this.#goodBye = name;
    this.flush();
    this.send({ op: "bye", code: name, reason: CLOSES[name].reason, reconnect });
  }

  /** Says good-bye and closes. Where a client may come back, it is told to wait a random time in between. */
  close(name: CloseName, reconnect: ByeFrame["reconnect"] = null): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.sayGoodBye(name, reconnect);
    const { code, reason } = CLOSES[name];
    socket.end(code, reason);
  }

  /** Runs `write` so that all it sends leaves in one system call. */
  cork(write: () => void): void {
    if (this.#socket === null) write();
    else this.#socket.cork(write);
  }

  #write(message: string | Uint8Array, isBinary: boolean, compressFrom = NEVER_COMPRESS): void {
    const bytes = typeof message === "string" ? Buffer.byteLength(message) : message.byteLength;
    metrics.bytesOut.add(bytes);
    this.#socket?.send(message, isBinary, bytes >= compressFrom);
  }

  #wake(): void {
    const drained = this.#drained;
    this.#drained = null;
    for (const resolve of drained ?? []) resolve();
  }
}

function senderOf(user: string, id: string): Sender {
  const json = fragmentSender(JSON.stringify(user), JSON.stringify(id));
  return { json, bytes: Buffer.byteLength(json) };
}
