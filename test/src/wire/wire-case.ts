/** What each case of the conformance run is given, and the few words that all of them use. */
import assert from "node:assert/strict";
import type { Encoding } from "../harness/raw-client.js";
import { ping } from "./frames.js";
import type { Ending, WireSocket } from "./wire-socket.js";

export interface WireCase {
  /** For WebSockets. */
  url(): string;
  /** A connection that was welcomed. */
  connect(encoding?: Encoding): Promise<WireSocket>;
}

/** How the same bytes reach the gateway. */
export const DELIVERIES = ["at once", "octet by octet"] as const;
export type Delivery = (typeof DELIVERIES)[number];

/**
 * How uWebSockets fails a connection: TCP ends without a close frame. RFC 6455, section 7.1.7, asks for a close
 * frame with 1002 or 1007 only as a SHOULD, for which this is the exception.
 */
export const FAILED: Ending = { code: 1006, reason: "" };

/** A request whose answer, `not_subscribed`, needs nobody but the gateway: that it comes shows that the message did. */
export function request(id: number, filler = ""): string {
  return JSON.stringify({ op: "unsub", id, ch: "chat.none", filler });
}

/** Such a request of exactly so many bytes. */
export function requestOf(bytes: number, id: number): string {
  return request(id, "x".repeat(bytes - request(id).length));
}

export async function deliver(wire: WireSocket, how: Delivery, ...frames: Uint8Array[]): Promise<void> {
  if (how === "octet by octet") return wire.chop(Buffer.concat(frames), 1);
  for (const frame of frames) wire.write(frame);
}

/** The gateway has seen the request, and only now. */
export async function assertDelivered(wire: WireSocket, id: number): Promise<void> {
  const { op, code } = await wire.reply(id);
  assert.deepEqual([op, code], ["err", "not_subscribed"]);
}

/** The connection still does what it is for. */
export async function assertWorks(wire: WireSocket, mark = "still there"): Promise<void> {
  const before = wire.pongs.length;
  wire.write(ping(mark));
  await wire.pongsCount(before + 1);
  assert.equal(wire.pongs.at(-1)!.toString(), mark);
}

/** Writes something to a connection of its own, which fails over it. */
export async function assertFails(
  { connect }: WireCase,
  what: string,
  how: Delivery,
  ...frames: Uint8Array[]
): Promise<WireSocket> {
  const wire = await connect();
  await deliver(wire, how, ...frames);
  assert.deepEqual(await wire.end(what), FAILED, what);
  return wire;
}

/** All of them, a few at a time. */
export async function each<T>(
  things: Iterable<T>,
  work: (thing: T) => Promise<unknown>,
  atOnce = 10,
): Promise<void> {
  const left = [...things];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
