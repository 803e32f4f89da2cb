import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/wait.js";
import { type ProtocolCase, range } from "./case.js";
import { nested } from "./requests.js";

export function publishCases({ connect, channel }: ProtocolCase): void {
  test("ok says where; subscribers, the publisher among them, get it with all fields", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("publish");
    await Promise.all([ada.sub(ch), bob.sub(ch)]);
    const ok = await ada.pub(ch, { text: "hello" });
    assert.deepEqual(Object.keys(ok).sort(), ["epoch", "id", "op", "seq", "ts"]);
    assert.equal(ok.seq, 1);
    assert.ok(Math.abs(ok.ts - Date.now()) < 60_000);
    for (const client of [ada, bob]) {
      const { m, ...head } = (await client.until("the message", ({ op }) => op === "msg")) as never as {
        m: Array<Record<string, unknown>>;
      };
      assert.deepEqual(head, { op: "msg", ch, epoch: ok.epoch, seq: 1, n: 1 });
      const [{ id, ...message } = {}] = m;
      assert.match(String(id), /./);
      assert.deepEqual(message, { user: "ada", conn: ada.conn, data: { text: "hello" }, ts: ok.ts });
    }
  });

  test("every value that JSON can say comes back as it was", async () => {
    const client = await connect("ada");
    const ch = channel("values");
    await client.sub(ch);
    const values = [
      null,
      true,
      0,
      -1,
      1.5,
      2 ** 53 - 1,
      -(2 ** 53 - 1),
      1e300,
      "",
      'žluťoučký kůň, 漢字, 👩‍👩‍👧‍👦, \u2028\u2029\u0000\u001f"\\/',
      [],
      {},
      { "": 1, "a b": [1, { c: null }], constructor: 1, toString: 2 },
      nested(64),
      "x".repeat(32_766),
    ];
    for (const value of values) await client.pub(ch, value);
    await until("all to arrive", () => client.channel(ch).received.length === values.length);
    assert.deepEqual(client.channel(ch).data, values);
    assert.deepEqual(
      (await client.history(ch)).messages.map(({ data }) => data),
      values,
    );
    client.channel(ch).assertConsecutive();
  });

  test("a batch is stored in its order", async () => {
    const client = await connect("ada");
    const ch = channel("batch");
    await client.sub(ch);
    const ids = range(1, 30).map(() => client.nextId());
    const replies = ids.map((id) => client.reply(id));
    client.send(ids.map((id, i) => ({ op: "pub", id, ch, data: i })));
    assert.deepEqual(
      (await Promise.all(replies)).map(({ seq }) => seq),
      range(1, 30),
    );
    await until("all to arrive", () => client.channel(ch).received.length === 30);
    assert.deepEqual(client.channel(ch).data, range(0, 29));
    client.channel(ch).assertConsecutive();
  });

  test("the same mid of the same user: the first position, dup, and nothing is delivered", async () => {
    const [ada, again] = await Promise.all([connect("ada"), connect("ada")]);
    const ch = channel("mid");
    await ada.sub(ch);
    const first = await ada.pub(ch, "once", "m1");
    assert.ok(!("dup" in first));
    const second = await ada.pub(ch, "other data", "m1");
    const { id: _, ...position } = first;
    assert.deepEqual({ ...second, id: 0 }, { ...position, id: 0, dup: true });
    assert.deepEqual((await again.pub(ch, "once", "m1")).seq, 1, "from another connection as well");
    const ids = [ada.nextId(), ada.nextId()];
    const replies = ids.map((id) => ada.reply(id));
    ada.send(ids.map((id) => ({ op: "pub", id, ch, data: "twice in a batch", mid: "m2" })));
    const [one, two] = await Promise.all(replies);
    assert.deepEqual([one?.seq, one?.dup, two?.seq, two?.dup], [2, undefined, 2, true]);
    await ada.pub(ch, "last");
    await until("the last", () => ada.channel(ch).data.at(-1) === "last");
    assert.deepEqual(ada.channel(ch).data, ["once", "twice in a batch", "last"]);
    assert.deepEqual(ada.channel(ch).ids.slice(0, 2), ["m1", "m2"], "the mid is the message's id");
  });

  test("the same mid of another user, or in another channel, is another message", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("mids");
    assert.equal((await ada.pub(ch, 1, "m")).seq, 1);
    const other = await bob.pub(ch, 2, "m");
    assert.deepEqual([other.seq, other.dup], [2, undefined]);
    const elsewhere = await ada.pub(channel("mids-2"), 3, "m");
    assert.deepEqual([elsewhere.seq, elsewhere.dup], [1, undefined]);
  });

  test("messages without mid get ids of their own", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("ada")]);
    const ch = channel("made-ids");
    for (const client of [ada, bob, ada, bob]) await client.pub(ch, "same");
    const { messages } = await ada.history(ch);
    assert.equal(new Set(messages.map(({ id }) => id)).size, 4);
  });

  test("larger than its namespace allows: too_large; up to the bound it goes through", async () => {
    const client = await connect("ada");
    const small = channel("size").replace("chat", "small");
    await client.pub(small, "x".repeat(62));
    await client.refused({ op: "pub", ch: small, data: "x".repeat(63) }, "too_large");
    await client.refused({ op: "pub", ch: small, data: "é".repeat(32) }, "too_large");
    await client.pub(small, "é".repeat(31));
    const usual = channel("size");
    await client.pub(usual, "x".repeat(32_766));
    await client.refused({ op: "pub", ch: usual, data: "x".repeat(32_767) }, "too_large");
    assert.equal((await client.history(usual)).messages.length, 1);
  });
}
