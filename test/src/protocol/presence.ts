import assert from "node:assert/strict";
import { test } from "node:test";
import type { Member, PresenceFrame } from "@plexus/protocol";
import type { RawClient } from "../harness/raw-client.js";
import { until } from "../harness/wait.js";
import type { ProtocolCase } from "./case.js";

export function presenceCases({ connect, channel }: ProtocolCase): void {
  test("who subscribes with presence is a member; the others see joins, updates and leaves", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("presence");
    const first = await ada.sub(ch, { presence: true });
    assert.deepEqual([first.members, first.count], [[], 0]);
    await untilMembers(ada, ch, [ada]);
    const second = await bob.sub(ch, { presence: true });
    assert.deepEqual([second.members?.map(({ user }) => user), second.count], [["ada"], 1]);
    const joined = await event(ada, ch, ({ join }) => join?.some(({ conn }) => conn === bob.conn));
    const [{ since, ...member } = {} as Member] = joined.join ?? [];
    assert.deepEqual(member, { conn: bob.conn, user: "bob", state: null });
    assert.ok(Math.abs(since - Date.now()) < 60_000);
    await bob.ok({ op: "state", ch, data: { typing: true } });
    const updated = await event(ada, ch, ({ update }) => update?.some(({ conn }) => conn === bob.conn));
    assert.deepEqual(updated.update, [{ conn: bob.conn, user: "bob", since, state: { typing: true } }]);
    await bob.ok({ op: "unsub", ch });
    const left = await event(ada, ch, ({ leave }) => leave?.some(({ conn }) => conn === bob.conn));
    assert.equal(left.join ?? left.update, undefined);
    await untilMembers(ada, ch, [ada]);
  });

  test("a closed connection leaves; two connections of one user are two members", async () => {
    const [ada, phone, desk] = await Promise.all([connect("ada"), connect("bob"), connect("bob")]);
    const ch = channel("closes");
    for (const client of [ada, phone, desk]) await client.sub(ch, { presence: true });
    await untilMembers(ada, ch, [ada, phone, desk]);
    phone.cut();
    await event(ada, ch, ({ leave }) => leave?.some(({ conn }) => conn === phone.conn));
    await untilMembers(ada, ch, [ada, desk]);
  });

  test("presence can be asked for without being a member or subscribed", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("ask");
    await ada.sub(ch, { presence: true });
    await untilMembers(bob, ch, [ada]);
    await bob.sub(ch);
    await ada.ok({ op: "unsub", ch });
    await untilMembers(bob, ch, []);
    assert.ok(!bob.frames.some(({ op }) => op === "presence"), "who did not ask is told nothing");
  });

  test("state without being a member: not_subscribed; a large one: too_large", async () => {
    const client = await connect("ada");
    const ch = channel("state");
    await client.refused({ op: "state", ch, data: 1 }, "not_subscribed");
    await client.sub(ch);
    await client.refused({ op: "state", ch, data: 1 }, "not_subscribed");
    await client.ok({ op: "unsub", ch });
    await client.sub(ch, { presence: true });
    await client.refused({ op: "state", ch, data: "x".repeat(5_000) }, "too_large");
    await client.ok({ op: "state", ch, data: { mood: "ž" } });
    await until("the state", async () => {
      const { members } = await client.presence(ch);
      return (members[0]?.state as { mood?: string } | undefined)?.mood === "ž";
    });
  });

  test("where a namespace has no presence: bad_request", async () => {
    const client = await connect("ada");
    const ch = channel("none").replace("chat", "absent");
    await client.refused({ op: "sub", ch, presence: true }, "bad_request");
    await client.refused({ op: "presence", ch }, "bad_request");
    await client.sub(ch);
    assert.equal((await client.pub(ch, 1)).seq, 1);
  });

  test("signals reach current subscribers, are not stored, and have no answer", async () => {
    const [ada, bob, carol] = await Promise.all([connect("ada"), connect("bob"), connect("carol")]);
    const ch = channel("signal");
    await Promise.all([ada.sub(ch), bob.sub(ch)]);
    carol.send({ op: "signal", ch, data: { typing: true } });
    for (const client of [ada, bob]) {
      const signal = await client.until("the signal", ({ op }) => op === "signal");
      assert.deepEqual(signal, { op: "signal", ch, user: "carol", conn: carol.conn, data: { typing: true } });
    }
    await carol.settled();
    assert.ok(!carol.frames.some(({ op }) => op === "ok" || op === "signal"));
    assert.deepEqual((await carol.history(ch)).messages, []);
    assert.equal((await carol.pub(ch, 1)).seq, 1);
  });

  test("a signal that is malformed or too large: err without id", async () => {
    const client = await connect("ada");
    const ch = channel("bad-signal");
    for (const [frame, code] of [
      [{ op: "signal", ch }, "bad_request"],
      [{ op: "signal", ch: "no good", data: 1 }, "bad_request"],
      [{ op: "signal", ch, data: "x".repeat(5_000) }, "too_large"],
    ] as const) {
      const from = client.frames.length;
      client.send(frame);
      const err = await client.until("an error", ({ op }) => op === "err", { from });
      assert.deepEqual([err.code, "id" in err], [code, false]);
    }
  });
}

async function untilMembers(client: RawClient, ch: string, members: RawClient[]): Promise<void> {
  const wanted = members.map(({ conn }) => conn).sort();
  await until(`members ${wanted} of ${ch}`, async () => {
    const answer = await client.presence(ch);
    assert.equal(answer.count, answer.members.length);
    return (
      answer.members
        .map(({ conn }) => conn)
        .sort()
        .join() === wanted.join()
    );
  });
}

async function event(
  client: RawClient,
  ch: string,
  matches: (frame: PresenceFrame) => boolean | undefined,
): Promise<PresenceFrame> {
  const found = await client.until(
    "a presence event",
    (frame) => frame.op === "presence" && frame.ch === ch && matches(frame as PresenceFrame) === true,
  );
  return found as PresenceFrame;
}
