import { PlexusError } from "@plexus/protocol";
import { type Clock, idMaker, type Random, systemClock } from "./clock.js";
import { type Codec, jsonCodec } from "./codec.js";
import { defaultSocket, type SocketConstructor, socketUrl } from "./socket.js";

/** Bounds and intervals. Every one has a default that suits chat over mobile networks. */
export interface Tuning {
  /** Ceiling of the first reconnect delay, milliseconds. A blip is over by then. */
  backoffBaseMs: number;
  /** Ceiling of every reconnect delay, milliseconds. Longer, and people reload the page. */
  backoffMaxMs: number;
  /** From opening the socket to the welcome, milliseconds. */
  connectTimeoutMs: number;
  /** One question to the gateway on one connection, milliseconds. */
  requestTimeoutMs: number;
  /** `history` and the like over all their tries and reconnects, milliseconds. */
  requestDeadlineMs: number;
  /** After a ping, how long to wait for anything before the connection counts as dead, milliseconds. */
  pongTimeoutMs: number;
  /** The same when there is reason to doubt it: the network changed, the page came back. */
  probeTimeoutMs: number;
  /** Changing over: how long to restore channels on the new connection before leaving the old one. */
  handoverTimeoutMs: number;
  /** How long a connection that was left may still answer what was asked on it, milliseconds. */
  leaveGraceMs: number;
  /** A connection that lasted so long, milliseconds, makes the backoff start anew. */
  stableAfterMs: number;
  /** How long the token function may take, milliseconds. */
  tokenTimeoutMs: number;
  /** Renew the token so long before its end, milliseconds; at most a fifth of its life. */
  tokenRefreshMarginMs: number;
  /** Bytes that the socket may hold back before signals are dropped. */
  maxBufferedBytes: number;
  /** Channel objects. Beyond it `channel()` throws `limit_reached`; `release()` makes room. */
  maxChannels: number;
  /** Members kept per channel. Those beyond are counted, not listed. */
  maxMembers: number;
  /** Messages that one async iterator holds for a slow loop. Beyond it the loop ends with `limit_reached`. */
  maxIteratorMessages: number;
  /** Publishes without an answer. Beyond it `publish()` rejects with `limit_reached`. */
  maxQueuedPublishes: number;
  /** Bytes of JSON in them, with the same consequence. */
  maxQueuedBytes: number;
  /**
   * Publishes of one channel on the wire at once. With 1, order holds whatever happens. More is faster over long
   * distances, but where one of them is refused for now, those sent right behind it may get ahead.
   */
  maxInFlightPerChannel: number;
  /**
   * How long a publish is tried, milliseconds. Below the two minutes in which the gateway knows a repeated
   * publish by its id; later a retry could be stored twice.
   */
  publishDeadlineMs: number;
  /** Questions (`history` …) that may wait for a connection. Beyond it they reject with `limit_reached`. */
  maxWaitingRequests: number;
}

/** Default, least and most. */
export const TUNING: {
  readonly [K in keyof Tuning]: readonly [preset: number, least: number, most: number];
} = {
  backoffBaseMs: [400, 1, 60_000],
  backoffMaxMs: [10_000, 1, 3_600_000],
  connectTimeoutMs: [10_000, 100, 120_000],
  requestTimeoutMs: [10_000, 50, 120_000],
  requestDeadlineMs: [20_000, 50, 600_000],
  pongTimeoutMs: [8_000, 50, 120_000],
  probeTimeoutMs: [3_000, 50, 120_000],
  handoverTimeoutMs: [10_000, 50, 120_000],
  leaveGraceMs: [5_000, 0, 120_000],
  stableAfterMs: [1_000, 0, 600_000],
  tokenTimeoutMs: [15_000, 50, 120_000],
  tokenRefreshMarginMs: [60_000, 0, 3_600_000],
  maxBufferedBytes: [1_048_576, 1_024, 1_073_741_824],
  maxChannels: [1_000, 1, 100_000],
  maxMembers: [10_000, 1, 1_000_000],
  maxIteratorMessages: [1_000, 1, 1_000_000],
  maxQueuedPublishes: [1_000, 1, 1_000_000],
  maxQueuedBytes: [4_194_304, 1_024, 1_073_741_824],
  maxInFlightPerChannel: [1, 1, 10_000],
  publishDeadlineMs: [60_000, 50, 110_000],
  maxWaitingRequests: [256, 1, 100_000],
};

export interface PlexusOptions extends Partial<Tuning> {
  /** `wss://host/v1/connect`. In browsers it may be relative to the page; http(s) becomes ws(s). */
  url: string;
  /**
   * Brings a token whenever one is needed: before connecting, before the one at hand ends, and after one was
   * refused as expired. What it throws is tried again with backoff, except a {@link PlexusError} with the code
   * `unauthorized` or `forbidden`, which ends in the state `failed`.
   */
  token: () => string | Promise<string>;
  /** A WebSocket class where the platform has none: that of `ws` on Node 20. */
  WebSocket?: SocketConstructor;
  /** How frames are encoded; JSON unless given. */
  codec?: Codec;
  /** Time; for tests. */
  clock?: Clock;
  /** Randomness of delays; for tests. */
  random?: Random;
  /** Makes the ids of messages; they must be unique for the user for two minutes. */
  makeId?: () => string;
}

export interface Settings extends Tuning {
  url: string;
  token: () => Promise<string>;
  WebSocket: SocketConstructor;
  codec: Codec;
  clock: Clock;
  random: Random;
  makeId: () => string;
}

const OTHERS = ["url", "token", "WebSocket", "codec", "clock", "random", "makeId"];
const NAMES = [...OTHERS, ...Object.keys(TUNING)];

/** A misspelt option would be one that silently does nothing: throws `bad_request` with its name. */
export function checkNames(options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) bad("options must be an object");
  for (const name of Object.keys(options as object))
    if (!names.includes(name)) bad(`there is no option "${name}"; there is ${names.join(", ")}`);
}

/** Checks the options and fills in what was left out. Throws `bad_request` with the option's name. */
export function settle(options: PlexusOptions): Settings {
  checkNames(options, NAMES);
  if (typeof options.token !== "function") bad("token must be a function that returns a token");
  const tuning = tuned(options);
  if (tuning.backoffMaxMs < tuning.backoffBaseMs) bad("backoffMaxMs must not be below backoffBaseMs");
  return {
    ...tuning,
    url: checkedUrl(options.url),
    token: async () => options.token(),
    WebSocket: options.WebSocket ?? defaultSocket(),
    codec: options.codec ?? jsonCodec,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    makeId: options.makeId ?? idMaker(),
  };
}

function tuned(options: Partial<Tuning>): Tuning {
  const tuning: Partial<Tuning> = {};
  for (const name of Object.keys(TUNING) as Array<keyof Tuning>) {
    const [preset, least, most] = TUNING[name];
    const value = options[name] ?? preset;
    if (!Number.isFinite(value) || value < least || value > most)
      bad(`${name} must be a number from ${least} to ${most}`);
    tuning[name] = value;
  }
  return tuning as Tuning;
}

function checkedUrl(url: unknown): string {
  if (typeof url !== "string") bad("url must be a string");
  try {
    return socketUrl(url as string);
  } catch (cause) {
    throw new PlexusError("bad_request", `"${url}" is not an address`, { cause });
  }
}

function bad(message: string): never {
  throw new PlexusError("bad_request", message);
}
