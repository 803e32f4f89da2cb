import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { ProtocolCase } from "./case.js";

export function requestCases({ connect, channel, encoding }: ProtocolCase): void {
  test("a reply repeats the id, up to the largest safe integer; ids may be used again", async () => {
    const client = await connect("ada");
    const ch = channel("ids");
    for (const id of [Number.MAX_SAFE_INTEGER, 2 ** 31, 2 ** 32 + 1, 5, 5]) {
      const reply = client.reply(id);
      client.send({ op: "pub", id, ch, data: id });
      assert.equal((await reply).op, "ok");
    }
    const from = client.frames.length;
    client.send([
      { op: "pub", id: 6, ch, data: "a" },
      { op: "pub", id: 6, ch, data: "b" },
    ]);
    const both = () => client.frames.slice(from).filter((frame) => frame.id === 6);
    await client.until("both answers", () => both().length === 2, { from });
    assert.notEqual(both()[0]?.seq, both()[1]?.seq);
  });

  test("an id that is missing or no positive integer: bad_request without id", async () => {
    const client = await connect("ada");
    for (const id of [undefined, null, 0, -1, 1.5, "1", 2 ** 53, {}, [1]]) {
      const from = client.frames.length;
      client.send({ op: "pub", id, ch: channel("ids"), data: 1 });
      const err = await client.until("an error", ({ op }) => op === "err", { from });
      assert.deepEqual([err.code, "id" in err], ["bad_request", false], `id ${JSON.stringify(id)}`);
    }
  });

  test("an op that is unknown or none: bad_request, and the connection goes on", async () => {
    const client = await connect("ada");
    for (const op of ["shout", "", "HELLO", "welcome", "ok", "constructor", "__proto__", 7, null, undefined])
      await client.refused({ op }, "bad_request");
    await client.settled();
  });

  test("a frame that is no object: bad_request without id", async () => {
    const client = await connect("ada");
    for (const frame of [[], 7, "sub", null, true]) {
      const from = client.frames.length;
      client.send([frame] as never);
      const err = await client.until("an error", ({ op }) => op === "err", { from });
      assert.deepEqual([err.code, "id" in err], ["bad_request", false]);
    }
  });

  test("fields of the wrong kind: bad_request that names the field", async () => {
    const client = await connect("ada");
    const ch = channel("fields");
    const cases: Array<[Record<string, unknown>, RegExp]> = [
      [{ op: "sub" }, /^ch /],
      [{ op: "sub", ch: "" }, /^ch /],
      [{ op: "sub", ch: "chat..lobby" }, /^ch /],
      [{ op: "sub", ch: "chat.>" }, /^ch /],
      [{ op: "sub", ch: "chat.*" }, /^ch /],
      [{ op: "sub", ch: "chat.ž" }, /^ch /],
      [{ op: "sub", ch: "a.b.c.d.e.f.g.h.i" }, /^ch /],
      [{ op: "sub", ch: `chat.${"x".repeat(65)}` }, /^ch /],
      [{ op: "sub", ch: Array(4).fill("x".repeat(50)).join(".") }, /^ch /],
      [{ op: "sub", ch, since: 7 }, /since/],
      [{ op: "sub", ch, since: { seq: 1 } }, /epoch/],
      [{ op: "sub", ch, since: { epoch: "e" } }, /seq/],
      [{ op: "sub", ch, since: { epoch: "e", seq: -1 } }, /seq/],
      [{ op: "sub", ch, since: { epoch: "e".repeat(65), seq: 1 } }, /epoch/],
      [{ op: "sub", ch, rewind: 0 }, /rewind/],
      [{ op: "sub", ch, rewind: "10" }, /rewind/],
      [{ op: "sub", ch, rewind: 1_001 }, /rewind/],
      [{ op: "sub", ch, presence: 1 }, /presence/],
      [{ op: "pub", ch }, /data/],
      [{ op: "pub", ch, data: 1, mid: "" }, /mid/],
      [{ op: "pub", ch, data: 1, mid: 7 }, /mid/],
      [{ op: "pub", ch, data: 1, mid: "m".repeat(129) }, /mid/],
      [{ op: "pub", ch, data: nested(65) }, /data/],
      [{ op: "history", ch, before: 0 }, /before/],
      [{ op: "history", ch, after: -1 }, /after/],
      [{ op: "history", ch, limit: 0 }, /limit/],
      [{ op: "history", ch, limit: 1.5 }, /limit/],
      [{ op: "history", ch, before: 5, after: 1 }, /before or after/],
      [{ op: "state", ch }, /data/],
      [{ op: "auth" }, /token/],
    ];
    for (const [frame, message] of cases)
      assert.match((await client.refused(frame, "bad_request")).message, message, JSON.stringify(frame));
    await client.settled();
  });

  if (encoding === "msgpack")
    test("values that JSON cannot say: bad_request", async () => {
      const client = await connect("ada");
      for (const data of [Number.NaN, Number.POSITIVE_INFINITY, new Uint8Array(3), new Date()])
        await client.refused({ op: "pub", ch: channel("numbers"), data: { data } }, "bad_request");
    });

  test("a batch holds so many frames and no more; an empty one is nothing", async () => {
    const client = await connect("ada");
    client.send([]);
    const pings = (n: number) => Array.from({ length: n }, () => ({ op: "ping" }));
    const from = client.frames.length;
    client.send(pings(100));
    client.send(pings(101));
    const err = await client.until("the refusal", ({ op }) => op === "err", { from });
    assert.deepEqual([err.code, "id" in err], ["too_large", false]);
    assert.equal(client.frames.slice(from).filter(({ op }) => op === "pong").length, 100);
  });

  test("more requests at once than allowed: rate_limited with retry, the others go through", async () => {
    const client = await connect("ada");
    const ch = channel("in-flight");
    const ids = Array.from({ length: 60 }, () => client.nextId());
    const replies = ids.map((id) => client.reply(id));
    client.send(ids.map((id) => ({ op: "pub", id, ch, data: id })));
    const answers = await Promise.all(replies);
    assert.deepEqual(
      answers.map(({ op }) => op),
      [...Array(50).fill("ok"), ...Array(10).fill("err")],
    );
    for (const refused of answers.slice(50)) {
      assert.equal(refused.code, "rate_limited");
      assert.ok(typeof refused.retry === "number" && refused.retry > 0);
    }
    await pause(answers.at(-1)!.retry as number);
    assert.equal((await client.pub(ch, "again")).seq, 51);
  });

  test("answers of one turn come as a batch", async () => {
    const client = await connect("ada");
    const ids = Array.from({ length: 20 }, () => client.nextId());
    const replies = ids.map((id) => client.reply(id));
    const before = client.messages.length;
    client.send(ids.map((id) => ({ op: "pub", id, ch: channel("answers"), data: id })));
    await Promise.all(replies);
    assert.ok(client.messages.length - before < 20, "20 answers came in fewer messages");
  });

  test("after a hundred frames that make no sense: 4500", async () => {
    const client = await connect("ada");
    client.send(Array.from({ length: 90 }, () => ({ op: "nonsense" })));
    await client.settled();
    client.send(Array.from({ length: 90 }, () => ({ op: "nonsense" })));
    await client.closedWith(4500, "bad_request");
  });
}

/** `[[…[1]…]]`, so many deep. */
export function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}
