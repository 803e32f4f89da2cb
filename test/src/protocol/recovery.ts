import assert from "node:assert/strict";
import { test } from "node:test";
import type { RawClient } from "../harness/raw-client.js";
import { until } from "../harness/wait.js";
import { type ProtocolCase, publishMany, range } from "./case.js";

export function recoveryCases({ connect, channel }: ProtocolCase): void {
  test("since brings exactly what lies after it, then live messages", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("since");
    await publishMany(ada, ch, 60, 20); // records of about 20 messages: most positions lie inside one
    const { epoch } = await ada.history(ch);
    for (const seq of [0, 1, 19, 20, 21, 33, 59, 60]) {
      const client = await connect("carol");
      const ok = await client.sub(ch, { since: { epoch, seq } });
      assert.deepEqual([ok.recovered, ok.epoch, ok.seq], [true, epoch, 60], `since ${seq}`);
      await received(client, ch, range(seq + 1, 60));
      client.cut();
    }
    await bob.sub(ch, { since: { epoch, seq: 55 } });
    await ada.pub(ch, "live");
    await received(bob, ch, range(56, 61));
  });

  test("since in the midst of live messages leaves no gap", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("since-live");
    const { epoch } = await ada.pub(ch, "first");
    let publishing = true;
    const publisher = (async () => {
      while (publishing) await publishMany(ada, ch, 10, 3);
    })();
    for (let i = 0; i < 10; i++) {
      await bob.sub(ch, { since: i === 0 ? { epoch, seq: 1 } : bob.channel(ch).position });
      await until("some messages", () => bob.channel(ch).received.length > i * 5);
      await bob.ok({ op: "unsub", ch });
    }
    publishing = false;
    await publisher;
    const { messages } = await ada.history(ch, { limit: 1 });
    await bob.sub(ch, { since: bob.channel(ch).position });
    await received(bob, ch, range(2, messages[0]!.seq));
  });

  test("since far back through the log, beyond every tail", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("far");
    await publishMany(ada, ch, 2_500, 5);
    const { epoch } = await ada.history(ch);
    const ok = await bob.sub(ch, { since: { epoch, seq: 3 } });
    assert.equal(ok.recovered, true);
    await received(bob, ch, range(4, 2_500));
    await ada.pub(ch, "live");
    await received(bob, ch, range(4, 2_501));
  });

  test("since in an unknown epoch: not recovered, live from the returned position", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("unknown-epoch");
    await publishMany(ada, ch, 5);
    const { recovered, seq, epoch } = await bob.sub(ch, { since: { epoch: "another", seq: 2 } });
    assert.deepEqual([recovered, seq], [false, 5]);
    assert.notEqual(epoch, "another");
    await ada.pub(ch, "live");
    await received(bob, ch, [6]);
  });

  test("since in the future: not recovered, live from the returned position", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("future");
    await publishMany(ada, ch, 5);
    const { epoch } = await ada.history(ch);
    const { recovered, seq } = await bob.sub(ch, { since: { epoch, seq: 6 } });
    assert.deepEqual([recovered, seq], [false, 5]);
    await ada.pub(ch, "live");
    await received(bob, ch, [6]);
  });

  test("since before what retention by count keeps: not recovered, nothing of it comes", async () => {
    const [ada, bob, carol] = await Promise.all([connect("ada"), connect("bob"), connect("carol")]);
    const ch = channel("trimmed").replace("chat", "few");
    await publishMany(ada, ch, 30, 1);
    const { epoch, messages } = await ada.history(ch);
    assert.deepEqual(
      messages.map(({ seq }) => seq),
      range(21, 30),
    );
    const { recovered, seq } = await bob.sub(ch, { since: { epoch, seq: 5 } });
    assert.deepEqual([recovered, seq], [false, 30]);
    assert.equal((await carol.sub(ch, { since: { epoch, seq: 20 } })).recovered, true);
    await ada.pub(ch, "live");
    await received(bob, ch, [31]);
    await received(carol, ch, range(21, 31));
  });

  test("since before what retention by age keeps: not recovered; the position goes on", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("aged").replace("chat", "brief");
    const { epoch } = await ada.pub(ch, "old");
    await publishMany(ada, ch, 4, 1);
    await until("retention by age", async () => (await ada.history(ch)).messages.length === 0);
    const { recovered, seq } = await bob.sub(ch, { since: { epoch, seq: 2 } });
    assert.deepEqual([recovered, seq], [false, 5]);
    await ada.pub(ch, "live");
    await received(bob, ch, [6]);
  });

  test("rewind brings the last ones first, as many as there are", async () => {
    const ada = await connect("ada");
    const ch = channel("rewind");
    await publishMany(ada, ch, 50, 7);
    for (const [rewind, first] of [
      [1, 50],
      [10, 41],
      [50, 1],
      [1_000, 1],
    ] as const) {
      const client = await connect("bob");
      const { recovered, seq } = await client.sub(ch, { rewind });
      assert.deepEqual([recovered, seq], [false, 50]);
      await received(client, ch, range(first, 50));
      client.cut();
    }
    const few = channel("rewind").replace("chat", "few");
    await publishMany(ada, few, 30, 1);
    await ada.sub(few, { rewind: 100 });
    await received(ada, few, range(21, 30));
  });

  test("rewind beyond every tail is read from the log", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("rewind-far");
    await publishMany(ada, ch, 1_500, 3);
    await bob.sub(ch, { rewind: 1_000 });
    await received(bob, ch, range(501, 1_500));
  });

  test("since and rewind over large messages, more than is read from the log at once", async () => {
    const ada = await connect("ada");
    const ch = channel("large");
    await publishMany(ada, ch, 450, 1, "x".repeat(20_000));
    const { epoch } = await ada.history(ch, { limit: 1 });
    for (const seq of [449, 440, ...range(385, 425).filter((n) => n % 3 === 0), 300]) {
      const client = await connect("bob");
      assert.equal((await client.sub(ch, { since: { epoch, seq } })).recovered, true);
      await received(client, ch, range(seq + 1, 450));
      client.cut();
    }
    await ada.sub(ch, { rewind: 60 });
    await received(ada, ch, range(391, 450));
  });

  test("rewind together with since is the second choice", async () => {
    const ada = await connect("ada");
    const ch = channel("both");
    await publishMany(ada, ch, 20);
    const { epoch } = await ada.history(ch);
    const [bob, carol] = await Promise.all([connect("bob"), connect("carol")]);
    assert.equal((await bob.sub(ch, { since: { epoch, seq: 18 }, rewind: 10 })).recovered, true);
    await received(bob, ch, [19, 20]);
    assert.equal((await carol.sub(ch, { since: { epoch: "another", seq: 18 }, rewind: 3 })).recovered, false);
    await received(carol, ch, [18, 19, 20]);
  });
}

/** Waits for the last of these seqs, and then all of them must have come, once and in order. */
async function received(client: RawClient, ch: string, seqs: number[]): Promise<void> {
  const watch = client.channel(ch);
  await until(`seq ${seqs.at(-1)} on ${ch}`, () => (watch.seqs.at(-1) ?? 0) >= (seqs.at(-1) ?? 0));
  await client.settled();
  assert.deepEqual(watch.seqs, seqs);
  watch.assertConsecutive();
}
