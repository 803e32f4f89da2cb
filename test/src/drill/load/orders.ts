/** What the drill and its load generators, which are processes of their own, say to each other. */
import type { Verdict } from "../judge.js";
import type { Lane, Slowest } from "./lane.js";

export interface LoadPlan {
  url: string;
  token: string;
  gateways: string[];
  /** Channels with a publisher and subscribers. */
  channels: string[];
  /** Of each channel. */
  subscribers: number;
  /** Subscriptions of one connection, at most. */
  channelsPerConnection: number;
  /** Of the clients, so many in a hundred use the SDK. */
  sdkPercent: number;
  /** Every so manieth channel is not written to before the change. */
  lateEvery: number;
  /** Channels that are written to once, before everything else, with no subscriber. */
  quietChannels: string[];
  /** Messages per second, over all channels in turn. */
  rate: number;
  /** Bytes that are put into every message. */
  padBytes: number;
}

export interface LoadCounters {
  published: number;
  acknowledged: number;
  /** Acknowledged as stored before: an earlier try had arrived. */
  repeated: number;
  delivered: number;
  /** Connections that were cut while they were needed. */
  disconnected: number;
  /** Changed over to another connection before the one before was left. */
  changedOver: number;
  /** Times that a user of the SDK was shown a connection or a subscription that is gone. */
  noticed: number;
  /** Requests that were refused or got no answer, by error code; they are sent again. */
  refused: Record<string, number>;
}

export function noCounts(): LoadCounters {
  const connections = { disconnected: 0, changedOver: 0, noticed: 0 };
  return { published: 0, acknowledged: 0, repeated: 0, delivered: 0, ...connections, refused: {} };
}

/** One channel as its publisher saw the change: see {@link Lane}. */
export interface ChannelTimes extends Pick<Lane, "channel" | "calmMs" | "changeMs"> {}

export interface LoadResult {
  verdict: Verdict;
  /** Messages that were never acknowledged. */
  failed: number;
  /** Subscriptions that were told of a hole, by channel. */
  unrecovered: string[];
  sdkClients: number;
  /** The message that took longest from due to acknowledged; when it was due in milliseconds since 1970. */
  slowest: Slowest | undefined;
  counters: LoadCounters;
}

export interface HistoryResult {
  channels: number;
  messages: number;
  verdict: Verdict;
}

export interface Orders {
  /** Connects, writes to the quiet channels, subscribes. */
  prepare: { ask: LoadPlan; answer: null };
  /** Publishes at the rate, and measures as before a change. */
  calm: { ask: null; answer: null };
  /** The change begins. */
  change: { ask: null; answer: null };
  /** The change is over. */
  settle: { ask: null; answer: null };
  /** How many channels have waited so long for an acknowledgement. */
  stuck: { ask: { forMs: number }; answer: number };
  /** How many subscriptions are not there at this time. */
  away: { ask: null; answer: number };
  measure: { ask: null; answer: ChannelTimes[] };
  /** Stops publishing, waits for what is under way, and judges. */
  finish: { ask: { withinMs: number }; answer: LoadResult };
  /** Reads the whole past of all active and so many of the quiet channels. */
  history: { ask: { quiet: number }; answer: HistoryResult };
}

export type OrderName = keyof Orders;

/** From the drill. */
export interface OrderMessage {
  order: number;
  name: OrderName;
  ask: unknown;
}

/** From a generator: an answer, or (unasked, now and then) where it stands. */
export type GeneratorMessage =
  | { order: number; answer: unknown; error?: string }
  | { counters: LoadCounters; unrecovered: number; slowestMs: number };
