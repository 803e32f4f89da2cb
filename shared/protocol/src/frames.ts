/**
 * The frames of client protocol version 1, both directions. See docs/protocol.md for an example of each.
 */
import type { ErrorCode } from "./errors.js";

export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL_JSON = "plexus.v1.json";
export const SUBPROTOCOL_MSGPACK = "plexus.v1.msgpack";
export const CONNECT_PATH = "/v1/connect";

/** A position in a channel's log; comparable only inside one epoch. */
export interface Position {
  epoch: string;
  /** The last message that is included; 0 before the first. */
  seq: number;
}

export interface HelloFrame {
  op: "hello";
  id: number;
  /** May be left out only where the address brought it (`PLEXUS_QUERY_TOKENS`). */
  token?: string;
}
export interface AuthFrame {
  op: "auth";
  id: number;
  token: string;
}
export interface SubFrame {
  op: "sub";
  id: number;
  ch: string;
  since?: Position;
  /** Bring the last n messages first; 1 to `limits.rewind`. Ignored where `since` could be honoured. */
  rewind?: number;
  /** Become a member of the channel, and see the others come and go. */
  presence?: boolean;
}
export interface UnsubFrame {
  op: "unsub";
  id: number;
  ch: string;
}
export interface PubFrame {
  op: "pub";
  id: number;
  ch: string;
  data: unknown;
  /** Idempotency id, 1 to 128 characters; also the message's `id`. */
  mid?: string;
  /** A W3C `traceparent`: the span that this publish belongs to. What is none is passed over. */
  trace?: string;
}
export interface HistoryFrame {
  op: "history";
  id: number;
  ch: string;
  before?: number;
  after?: number;
  limit?: number;
}
export interface PresenceRequestFrame {
  op: "presence";
  id: number;
  ch: string;
}
export interface StateFrame {
  op: "state";
  id: number;
  ch: string;
  data: unknown;
}
export interface SignalRequestFrame {
  op: "signal";
  ch: string;
  data: unknown;
}
export interface PingFrame {
  op: "ping";
}

export type ClientFrame =
  | HelloFrame
  | AuthFrame
  | SubFrame
  | UnsubFrame
  | PubFrame
  | HistoryFrame
  | PresenceRequestFrame
  | StateFrame
  | SignalRequestFrame
  | PingFrame;

export interface Message {
  /** The publisher's `mid`, or one that the gateway made. Unique per user within the idempotency window. */
  id: string;
  user: string;
  conn: string;
  /** Milliseconds since 1970, for display. */
  ts: number;
  data: unknown;
}
export interface HistoryMessage extends Omit<Message, "conn"> {
  seq: number;
  conn?: string;
}

export interface Member {
  conn: string;
  user: string;
  state: unknown;
  /** When the connection joined, milliseconds since 1970. */
  since: number;
}

/** What a connection may do; all are bounds of this gateway. */
export interface Limits {
  /** Bytes of one WebSocket message from the client. */
  frameBytes: number;
  /** Frames in one batch. */
  batch: number;
  /** Channels one connection may subscribe to. */
  channels: number;
  /** Largest `rewind`. */
  rewind: number;
  /** Largest `limit` of `history`. */
  history: number;
  /** Publishes without an answer yet, per connection. */
  inFlight: number;
}

export interface WelcomeFrame {
  op: "welcome";
  id: number;
  v: number;
  conn: string;
  user: string;
  tenant: string;
  gateway: string;
  /** The gateway's clock, milliseconds since 1970. */
  now: number;
  /** When the token's time is over, milliseconds since 1970; a token that is no JWT does not say itself. */
  expires: number;
  /** Send a `ping` if nothing was sent for so many milliseconds. */
  ping: number;
  limits: Limits;
}
export interface OkFrame {
  op: "ok";
  id: number;
  [field: string]: unknown;
}
export interface SubOk extends OkFrame {
  ch: string;
  epoch: string;
  seq: number;
  recovered: boolean;
  members?: Member[];
  count?: number;
  /** The member list may be out of date, because the cell's Redis is away. */
  stale?: boolean;
}
export interface PubOk extends OkFrame {
  epoch: string;
  seq: number;
  ts: number;
  dup?: true;
}
export interface HistoryOk extends OkFrame {
  epoch: string;
  messages: HistoryMessage[];
  more: boolean;
}
export interface PresenceOk extends OkFrame {
  members: Member[];
  count: number;
  stale?: boolean;
}
export interface AuthOk extends OkFrame {
  expires: number;
}
export interface ErrFrame {
  op: "err";
  id?: number;
  code: ErrorCode;
  message: string;
  retry?: number;
}

/** A record of the log as subscribers receive it: messages `seq`, `seq + 1`, … `seq + n - 1`. */
export interface MsgFrame {
  op: "msg";
  ch: string;
  epoch: string;
  seq: number;
  n: number;
  m: Message[];
}
export interface PresenceFrame {
  op: "presence";
  ch: string;
  join?: Member[];
  leave?: Member[];
  update?: Member[];
}
export interface SignalFrame {
  op: "signal";
  ch: string;
  user: string;
  conn: string;
  data: unknown;
}
/**
 * The subscription goes on in another epoch, from this position: what lies between could not be proven to be
 * complete. It is what `recovered: false` is for a subscription that was never interrupted.
 */
export interface ResetFrame {
  op: "reset";
  ch: string;
  epoch: string;
  seq: number;
  recovered: false;
}
/**
 * The subscription (or only its part in presence) was ended by the gateway: the token that `auth` brought does not
 * allow it any more, say. Nothing comes after it.
 */
export interface EndedFrame {
  op: "ended";
  ch: string;
  code: ErrorCode;
  message: string;
  /** The subscription itself goes on, without members. */
  only?: "presence";
}
/**
 * Where a namespace's slow readers get the latest record only: the `n` messages from `seq` on were left out, and the
 * next `msg` follows on them.
 */
export interface SkippedFrame {
  op: "skipped";
  ch: string;
  epoch: string;
  seq: number;
  n: number;
}
export interface PongFrame {
  op: "pong";
}
export interface ByeFrame {
  op: "bye";
  code: string;
  reason: string;
  reconnect: { min: number; max: number } | null;
}

export type ServerFrame =
  | WelcomeFrame
  | OkFrame
  | ErrFrame
  | MsgFrame
  | PresenceFrame
  | SignalFrame
  | ResetFrame
  | EndedFrame
  | SkippedFrame
  | PongFrame
  | ByeFrame;
