import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/wait.js";
import type { ProtocolCase } from "./case.js";

export function subscriptionCases({ connect, channel }: ProtocolCase): void {
  test("sub begins at the present: what was before is not delivered, what follows is", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("plain");
    const { epoch } = await ada.pub(ch, "before");
    const { id: _, ...ok } = await bob.sub(ch);
    assert.deepEqual(ok, { op: "ok", ch, epoch, seq: 1, recovered: false });
    await ada.pub(ch, "after");
    await until("the message", () => bob.channel(ch).received.length > 0);
    assert.deepEqual(bob.channel(ch).data, ["after"]);
    bob.channel(ch).assertConsecutive();
  });

  test("a channel that nobody ever wrote to stands at 0", async () => {
    const client = await connect("ada");
    const { seq, epoch } = await client.sub(channel("empty"));
    assert.equal(seq, 0);
    assert.match(epoch, /^[A-Za-z0-9_-]{1,64}$/);
  });

  test("after unsub nothing comes", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const [ch, other] = [channel("unsub"), channel("unsub-other")];
    await Promise.all([bob.sub(ch), bob.sub(other)]);
    const ok = await bob.ok({ op: "unsub", ch });
    assert.deepEqual(Object.keys(ok).sort(), ["id", "op"]);
    await ada.pub(ch, "unheard");
    await ada.pub(other, "heard");
    await until("the other message", () => bob.channel(other).received.length === 1);
    assert.equal(bob.channel(ch).received.length, 0);
  });

  test("unsub without sub: not_subscribed", async () => {
    const client = await connect("ada");
    await client.refused({ op: "unsub", ch: channel("never") }, "not_subscribed");
  });

  test("sub twice: bad_request, and the first goes on", async () => {
    const client = await connect("ada");
    const ch = channel("twice");
    await client.sub(ch);
    await client.refused({ op: "sub", ch }, "bad_request");
    await client.pub(ch, 1);
    await until("the message, once", () => client.channel(ch).received.length === 1);
  });

  test("sub and unsub in one batch: both are answered, and so is a second sub", async () => {
    const client = await connect("ada");
    const ch = channel("changed-mind");
    const replies = [101, 102, 103].map((id) => client.reply(id));
    client.send([
      { op: "sub", id: 101, ch },
      { op: "unsub", id: 102, ch },
      { op: "sub", id: 103, ch },
    ]);
    const [given, left, again] = await Promise.all(replies);
    assert.deepEqual([given?.op, given?.code], ["err", "not_subscribed"]);
    assert.deepEqual([left?.op, again?.op], ["ok", "ok"]);
    await client.pub(ch, 1);
    await until("the message, once", () => client.channel(ch).received.length === 1);
  });

  test("channels beyond the bound: limit_reached, until one is left", async () => {
    const client = await connect("ada");
    for (let i = 0; i < 8; i++) await client.sub(channel(`many-${i}`));
    await client.refused({ op: "sub", ch: channel("many-8") }, "limit_reached");
    await client.ok({ op: "unsub", ch: channel("many-0") });
    await client.sub(channel("many-8"));
  });

  test("channels are apart: by name and by tenant", async () => {
    const [ada, stranger] = await Promise.all([connect("ada"), connect("ada", { tenant: "other" })]);
    const ch = channel("apart");
    await Promise.all([ada.sub(ch), stranger.sub(ch), ada.sub(`${ch}.below`)]);
    await stranger.pub(ch, "theirs");
    await ada.pub(`${ch}.below`, "below");
    await ada.pub(ch, "ours");
    await until("ours", () => ada.channel(ch).received.length === 1);
    await until("theirs", () => stranger.channel(ch).received.length === 1);
    assert.deepEqual(ada.channel(ch).data, ["ours"]);
    assert.deepEqual(stranger.channel(ch).data, ["theirs"]);
    assert.deepEqual(
      (await stranger.history(ch)).messages.map(({ data }) => data),
      ["theirs"],
    );
  });
}
