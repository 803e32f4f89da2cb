import { readFileSync } from "node:fs";
import {
  type Authenticator,
  connect,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  nkeyAuthenticator,
  RequestError,
  type Subscription,
} from "nats";
import { ConfigError } from "./config.js";
import { Dependency } from "./dependencies.js";
import type { Logger } from "./log.js";

export type { Msg, NatsConnection, Subscription } from "nats";
export { headers as natsHeaders } from "nats";

/** A broken connection is noticed within two of these. */
const PING_INTERVAL_MS = 3_000;
const RECONNECT_WAIT_MS = 200;
const RECONNECT_JITTER_MS = 300;
/** From opening the socket to the server's first answer. The library's own 20 s would be its deafness as well. */
const CONNECT_TIMEOUT_MS = 3_000;
/** How often a process that waits for its first connection says so. */
const STILL_WAITING_EVERY_MS = 5_000;
/** For the last words of a process. */
const LEAVE_WITHIN_MS = 2_000;

/**
 * Connects and keeps reconnecting forever; what happens to the connection is logged.
 *
 * TLS is spoken with a server that asks for it. Where an address begins with `tls://` nothing is said to one that does
 * not: whoever sits in between could have taken the question away.
 *
 * @param seedFile holds the seed of the nkey to log in with, where the servers want a login
 * @param options `waits: false` rejects where none of the servers takes it at once
 */
export async function connectNats(
  url: string,
  name: string,
  log: Logger,
  seedFile?: string,
  { waits = true } = {},
): Promise<NatsConnection> {
  // Without a word a process would seem to hang whose NATS_URL is not right.
  const hosts = url.replace(/[^/,@]*@/g, ""); // an address may hold a password
  const sayWaiting = () => log.warn({ servers: hosts }, "NATS does not answer yet");
  const waiting = setInterval(sayWaiting, STILL_WAITING_EVERY_MS);
  const nats = await connect({
    servers: url.split(","),
    ...(/(?:^|,)\s*tls:\/\//.test(url) ? { tls: {} } : {}),
    name,
    maxReconnectAttempts: -1,
    // A server that did not hear the login in time, over a network that holds it back, says the same as one that refuses
    // it; told so twice, the library would close the connection for good.
    ignoreAuthErrorAbort: true,
    waitOnFirstConnect: waits,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    ...(seedFile === undefined ? {} : { authenticator: login(seedFile) }),
  }).finally(() => clearInterval(waiting));
  void logStatus(nats, log);
  return nats;
}

function login(seedFile: string): Authenticator {
  return nkeyAuthenticator(new TextEncoder().encode(readSeed(seedFile)));
}

/** The seed of a user's nkey, from a file as `nk -gen user` writes it. */
export function readSeed(file: string): string {
  const seed = /^SU[A-Z2-7]{56}$/m.exec(readFileSync(file, "utf8"))?.[0];
  if (seed === undefined) throw new ConfigError(`${file} holds no seed of an nkey of a user (SU…)`);
  return seed;
}

async function logStatus(nats: NatsConnection, log: Logger): Promise<void> {
  const dependency = new Dependency("nats");
  dependency.up();
  for await (const status of nats.status()) {
    if (status.type === "disconnect") dependency.down();
    else if (status.type === "reconnect") dependency.up();
    if (status.type === "disconnect" || status.type === "reconnect" || status.type === "error")
      log.warn({ nats: status }, `nats: ${status.type}`);
  }
}

/**
 * Subscribes with a guard: an exception that reached the client's reader would end the connection, and a rejection the
 * process.
 */
export function subscribe(
  nats: NatsConnection,
  subject: string,
  log: Logger,
  handle: (message: Msg) => unknown,
  queue?: string,
): Subscription {
  const failed = (cause: unknown, { subject }: Msg) => {
    // What is asked just before the end can't be answered any more.
    if (!nats.isClosed()) log.error({ err: cause, subject }, "message handler failed");
  };
  return nats.subscribe(subject, {
    ...(queue === undefined ? {} : { queue }),
    callback: (error, message) => {
      if (error !== null) return log.error({ err: error, subject }, "subscription failed");
      try {
        const handled = handle(message);
        if (handled instanceof Promise) handled.catch((cause: unknown) => failed(cause, message));
      } catch (cause) {
        failed(cause, message);
      }
    },
  });
}

/**
 * Sends what was published, takes in what was asked for, and closes. A server that is away is not waited for: a process
 * that is asked to end has nothing more to tell it.
 */
export async function leaveNats(nats: NatsConnection): Promise<void> {
  const deadlineAt = performance.now() + LEAVE_WITHIN_MS;
  await settledSoon(nats.drain());
  await settledSoon(nats.close(), deadlineAt - performance.now());
}

/** The end of a task that a server has to confirm, or of patience where that is away. */
export async function settledSoon(task: Promise<unknown>, withinMs = LEAVE_WITHIN_MS): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, withinMs);
  });
  // It rejects where the connection is lost or closed meanwhile, which is as good as an end.
  const done = task.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([done, late]).finally(() => clearTimeout(timer));
}

/** NATS answers a request that nobody serves with an empty message whose status is 503. */
export function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503;
}

/**
 * Headers of a message that is only sent, from their lines (`Name: value`). The library's own are a Map of lists whose
 * names and values are checked and put together anew for each message: too much for the busiest path. Of what it is
 * given with a message it asks nothing but its bytes.
 */
export function encodedHeaders(lines: string): MsgHdrs {
  const bytes = Buffer.from(`NATS/1.0\r\n${lines}\r\n\r\n`, "latin1");
  return { encode: () => bytes } as unknown as MsgHdrs;
}

/** Whether somebody answers at a subject; `nobody` only where the bus knows that nobody listens. */
export async function whoAnswers(
  nats: NatsConnection,
  subject: string,
  deadlineMs: number,
): Promise<"somebody" | "nobody" | "silence"> {
  try {
    await nats.request(subject, "", { timeout: deadlineMs });
    return "somebody";
  } catch (error) {
    return error instanceof RequestError && error.isNoResponders() ? "nobody" : "silence";
  }
}

/** For readiness: undefined if the server answers within the deadline. */
export async function checkNats(nats: NatsConnection, deadlineMs = 1_000): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("no answer in time"), deadlineMs);
  });
  const answer = nats.rtt().then(
    () => undefined,
    (error: unknown) => String(error),
  );
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

type StatusType = "reconnect" | "update";
const statusListeners = new WeakMap<NatsConnection, Set<(type: string) => void>>();

/**
 * Tells each time that the connection is back after a loss. What was published before that and has no answer is not
 * going to get one: the old connection took it along, or the library dropped it with the attempt to connect.
 *
 * @returns the function that ends it
 */
export function onReconnect(nats: NatsConnection, back: () => void): () => void {
  return onStatus(nats, "reconnect", back);
}

/**
 * Tells each time that a server has come to the cluster, or left it. What the one that left kept in memory, such as a
 * consumer, is gone without a word, also for who is connected to another one.
 *
 * @returns the function that ends it
 */
export function onServersChange(nats: NatsConnection, changed: () => void): () => void {
  return onStatus(nats, "update", changed);
}

function onStatus(nats: NatsConnection, wanted: StatusType, tell: () => void): () => void {
  const listeners = statusListeners.get(nats) ?? tellStatus(nats);
  const listener = (type: string) => {
    if (type === wanted) tell();
  };
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** One follower of the connection's state for all listeners: the library offers no way to leave before its end. */
function tellStatus(nats: NatsConnection): Set<(type: string) => void> {
  const listeners = new Set<(type: string) => void>();
  statusListeners.set(nats, listeners);
  void (async () => {
    for await (const { type } of nats.status()) for (const tell of [...listeners]) tell(type);
  })();
  return listeners;
}

/** Whether the connection is up at the moment; while it is not, what is published is lost. */
export function connectivity(nats: NatsConnection): { readonly isUp: boolean } {
  const state = { isUp: true };
  void (async () => {
    for await (const { type } of nats.status()) {
      if (type === "disconnect") state.isUp = false;
      else if (type === "reconnect") state.isUp = true;
    }
  })();
  return state;
}
