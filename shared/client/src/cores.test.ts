/** The small pure cores: backoff, liveness, outbox, ending, token expiry, emitter, options. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSES, PlexusError, type PubFrame } from "@plexus/protocol";
import { Backoff, retryDelay, spread } from "./backoff.js";
import { jsonCodec } from "./codec.js";
import { Emitter } from "./emitter.js";
import { type Ending, judge } from "./ending.js";
import { Liveness } from "./liveness.js";
import { msgpackCodec } from "./msgpack.js";
import { settle } from "./options.js";
import { Outbox } from "./outbox.js";
import { tokenExpiry } from "./token.js";

const BACKOFF = { backoffBaseMs: 100, backoffMaxMs: 1_000 };

test("backoff: a ceiling that doubles to its bound, jitter over all of it, and a fresh start", () => {
  const longest = new Backoff(BACKOFF, () => 0.999_999);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map(() => longest.next()),
    [100, 200, 400, 800, 1_000, 1_000],
  );
  longest.reset();
  assert.equal(longest.next(50), 150);
  assert.equal(new Backoff(BACKOFF, () => 0).next(), 0);
  for (let i = 0; i < 5_000; i++) longest.next();
  assert.equal(longest.next(), 1_000);
});

test("backoff: a retry time that the gateway names is kept, with a little jitter on top", () => {
  assert.equal(
    retryDelay(9, 200, BACKOFF, () => 0.999_999),
    250,
  );
  assert.equal(
    retryDelay(0, undefined, BACKOFF, () => 0.5),
    50,
  );
  assert.equal(
    spread({ min: 100, max: 300 }, () => 0.5),
    200,
  );
});

test("liveness: a ping after silence in either direction, death only without any frame", () => {
  const liveness = new Liveness({ pingMs: 100, pongTimeoutMs: 30 }, 0);
  assert.equal(liveness.check(99), undefined);
  liveness.sent(50);
  assert.equal(liveness.check(100), "ping");
  assert.equal(liveness.check(110), undefined);
  liveness.received(120);
  liveness.sent(120);
  assert.equal(liveness.nextAt(), 220);
  assert.equal(liveness.check(220), "ping");
  assert.equal(liveness.nextAt(), 250);
  assert.equal(liveness.check(251), "dead");
});

test("liveness: a machine that slept asks again before it gives up; doubt asks at once", () => {
  const liveness = new Liveness({ pingMs: 100, pongTimeoutMs: 30 }, 0);
  assert.equal(liveness.check(100), "ping");
  assert.equal(liveness.check(9_000), "ping");
  assert.equal(liveness.check(9_030), "dead");
  const doubted = new Liveness({ pingMs: 100, pongTimeoutMs: 30 }, 0);
  doubted.probe(5);
  assert.equal(doubted.check(1), "ping");
  assert.equal(doubted.check(6), "dead");
});

function pub(id: number, data: unknown): PubFrame {
  return { op: "pub", id, ch: "chat.a", data };
}

for (const codec of [jsonCodec, msgpackCodec])
  test(`outbox (${codec.subprotocol}): batches within the limits, in order, and decodable`, () => {
    const outbox = new Outbox(codec, { frameBytes: 300, batch: 3 });
    for (let id = 1; id <= 20; id++) outbox.add(pub(id, "é".repeat(id * 3)));
    assert.equal(outbox.isEmpty, false);
    const messages = outbox.drain();
    assert.equal(outbox.isEmpty, true);
    const ids: number[] = [];
    for (const message of messages) {
      const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
      assert.ok(bytes.byteLength <= 300);
      const data = typeof message === "string" ? message : Uint8Array.from(bytes).buffer;
      const decoded = codec.decode(data);
      const frames = (Array.isArray(decoded) ? decoded : [decoded]) as PubFrame[];
      assert.ok(frames.length <= 3);
      ids.push(...frames.map((frame) => frame.id));
    }
    assert.deepEqual(
      ids,
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    assert.ok(messages.length < 20);
    assert.throws(() => outbox.add(pub(1, "x".repeat(400))), { code: "too_large" });
  });

test("codecs refuse the other kind of message; MessagePack joins long batches", () => {
  assert.throws(() => jsonCodec.decode(new ArrayBuffer(1)));
  assert.throws(() => msgpackCodec.decode("{}"));
  const joined = msgpackCodec.join(Array.from({ length: 300 }, (_, i) => msgpackCodec.encode(pub(i + 1, i))));
  const bytes = Uint8Array.from(joined as Uint8Array).buffer;
  assert.equal((msgpackCodec.decode(bytes) as unknown[]).length, 300);
});

function verdictOf(ending: Partial<Ending> & { code: number }): string {
  const verdict = judge({ reason: "", ...ending });
  return `${verdict.kind} ${verdict.error.code}`;
}

test("endings: close codes, byes and refused hellos each have one consequence", () => {
  for (const code of [1000, 1001, 1006, 1011, 4000, 4001, 4002, 4499])
    assert.equal(verdictOf({ code }), "resume unavailable", String(code));
  assert.equal(verdictOf({ code: CLOSES.token_expired.code }), "renew token_expired");
  assert.equal(verdictOf({ code: CLOSES.unauthorized.code }), "fail unauthorized");
  assert.equal(verdictOf({ code: CLOSES.rate_limited.code }), "fail rate_limited");
  assert.equal(verdictOf({ code: CLOSES.bad_request.code }), "fail bad_request");
  assert.equal(verdictOf({ code: 4777 }), "fail forbidden");
  assert.equal(verdictOf({ code: 1000, error: new PlexusError("token_expired", "") }), "renew token_expired");
  assert.equal(verdictOf({ code: 1000, error: new PlexusError("unauthorized", "") }), "fail unauthorized");
  assert.equal(verdictOf({ code: 1000, error: new PlexusError("unavailable", "") }), "resume unavailable");
});

test("endings: a bye's word goes before the close code", () => {
  const bye = (code: string, reconnect: { min: number; max: number } | null) =>
    ({ op: "bye", code, reason: "", reconnect }) as const;
  const draining = judge({ code: 1006, reason: "", bye: bye("draining", { min: 5, max: 9 }) });
  assert.deepEqual(draining.kind === "resume" && draining.wait, { min: 5, max: 9 });
  assert.equal(verdictOf({ code: 1000, bye: bye("token_expired", null) }), "renew token_expired");
  assert.equal(verdictOf({ code: 1000, bye: bye("unauthorized", null) }), "fail unauthorized");
  assert.equal(verdictOf({ code: 1000, bye: bye("of_tomorrow", null) }), "fail forbidden");
  assert.equal(verdictOf({ code: 1000, bye: bye("of_tomorrow", { min: 0, max: 1 }) }), "resume unavailable");
});

test("token expiry is read from a JWT, and from nothing else", () => {
  const payload = Buffer.from(JSON.stringify({ sub: "ann?~", exp: 1_800_000_000 })).toString("base64url");
  assert.equal(tokenExpiry(`e30.${payload}.sig`), 1_800_000_000_000);
  for (const other of ["opaque", "a.b.c", "a.e30.c", "..", "a.bnVsbA.c"])
    assert.equal(tokenExpiry(other), undefined, other);
});

test("a listener that throws harms nobody else, and its error surfaces", () => {
  class Bell extends Emitter<{ ring: number }> {
    ring(): void {
      this.emit("ring", 1);
    }
  }
  const reported: unknown[] = [];
  const global = globalThis as { reportError?: (error: unknown) => void };
  const before = global.reportError;
  global.reportError = (error) => reported.push(error);
  try {
    const bell = new Bell();
    let rung = 0;
    bell.on("ring", () => {
      throw new Error("mine");
    });
    const off = bell.on("ring", () => rung++);
    bell.once("ring", () => rung++);
    bell.ring();
    bell.ring();
    off();
    bell.ring();
    assert.equal(rung, 3);
    assert.equal(reported.length, 3);
  } finally {
    if (before === undefined) delete global.reportError;
    else global.reportError = before;
  }
});

test("options: defaults, bounds, unknown names and addresses are checked", () => {
  class Socket {}
  const base = { url: "https://chat.example/v1/connect", token: () => "t", WebSocket: Socket as never };
  const settings = settle(base);
  assert.equal(settings.url, "wss://chat.example/v1/connect");
  assert.equal(settings.maxInFlightPerChannel, 1);
  assert.notEqual(settings.makeId(), settings.makeId());
  const wrong = { code: "bad_request" };
  assert.throws(() => settle({ ...base, publishDeadlineMs: 200_000 }), /publishDeadlineMs/);
  assert.throws(() => settle({ ...base, backoffBaseMs: 500, backoffMaxMs: 100 }), wrong);
  assert.throws(() => settle({ ...base, backofBaseMs: 500 } as never), /backofBaseMs/);
  assert.throws(() => settle({ ...base, url: "nowhere" }), wrong);
  assert.throws(() => settle({ ...base, token: "t" as never }), wrong);
});
