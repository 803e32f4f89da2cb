import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryOk } from "@plexus/protocol";
import type { RawClient } from "../harness/raw-client.js";
import { type ProtocolCase, publishMany, range } from "./case.js";

export function historyCases({ connect, channel }: ProtocolCase): void {
  test("the newest, before, after, and limits", async () => {
    const client = await connect("ada");
    const ch = channel("history");
    await publishMany(client, ch, 300, 20);
    const ask = async (asked: Record<string, number>) => view(await client.history(ch, asked));
    assert.deepEqual(await ask({}), [range(251, 300), true], "50 unless asked otherwise");
    assert.deepEqual(await ask({ limit: 5 }), [range(296, 300), true]);
    assert.deepEqual(await ask({ limit: 9_999 }), [range(101, 300), true], "200 at most");
    assert.deepEqual(await ask({ before: 11, limit: 5 }), [range(6, 10), true]);
    assert.deepEqual(await ask({ before: 6, limit: 5 }), [range(1, 5), false]);
    assert.deepEqual(await ask({ before: 4, limit: 5 }), [range(1, 3), false]);
    assert.deepEqual(await ask({ after: 0, limit: 5 }), [range(1, 5), true]);
    assert.deepEqual(await ask({ after: 295, limit: 5 }), [range(296, 300), false]);
    assert.deepEqual(await ask({ after: 298, limit: 5 }), [range(299, 300), false]);
  });

  test("beyond the ends there is nothing, and no more", async () => {
    const client = await connect("ada");
    const ch = channel("ends");
    await publishMany(client, ch, 10);
    const ask = async (asked: Record<string, number>) => view(await client.history(ch, asked));
    assert.deepEqual(await ask({ before: 1 }), [[], false]);
    assert.deepEqual(await ask({ before: 1_000 }), [range(1, 10), false]);
    assert.deepEqual(await ask({ after: 10 }), [[], false]);
    assert.deepEqual(await ask({ after: 1_000 }), [[], false]);
    const never = await client.history(channel("never-written"));
    assert.deepEqual(view(never), [[], false]);
    assert.match(never.epoch, /./);
  });

  test("a message of the past has seq, id, user, ts and data", async () => {
    const client = await connect("ada");
    const ch = channel("history-message");
    const { epoch, ts } = await client.pub(ch, { text: "ž" }, "m-1");
    const answer = await client.history(ch);
    assert.equal(answer.epoch, epoch);
    const [{ conn: _, ...message } = {} as never] = answer.messages;
    assert.deepEqual(message, { seq: 1, id: "m-1", user: "ada", ts, data: { text: "ž" } });
  });

  for (const perRecord of [1, 13])
    test(`paging to both ends of 1,030 messages, ${perRecord} to a record`, async () => {
      const client = await connect("ada");
      const ch = channel(`pages-${perRecord}`);
      await publishMany(client, ch, 1_030, perRecord);
      // 128 and 103: pages that end just where a tail of 256 records does, and pages that don't.
      for (const limit of [128, 103, 200]) {
        assert.deepEqual(await pagesBack(client, ch, limit), range(1, 1_030), `back by ${limit}`);
        assert.deepEqual(await pagesOn(client, ch, limit), range(1, 1_030), `on by ${limit}`);
      }
    });

  test("retention: pages end where it does, and what it took is passed over", async () => {
    const client = await connect("ada");
    const ch = channel("history-few").replace("chat", "few");
    await publishMany(client, ch, 25, 1);
    assert.deepEqual(view(await client.history(ch, { limit: 5 })), [range(21, 25), true]);
    assert.deepEqual(view(await client.history(ch, { before: 21, limit: 5 })), [range(16, 20), false]);
    assert.deepEqual(view(await client.history(ch, { before: 10 })), [[], false]);
    assert.deepEqual(view(await client.history(ch, { after: 3, limit: 4 })), [range(16, 19), true]);
  });
}

function view({ messages, more }: HistoryOk): [number[], boolean] {
  return [messages.map(({ seq }) => seq), more];
}

async function pagesBack(client: RawClient, ch: string, limit: number): Promise<number[]> {
  let seqs: number[] = [];
  for (;;) {
    const { messages, more } = await client.history(ch, { limit, ...(seqs[0] && { before: seqs[0] }) });
    seqs = [...messages.map(({ seq }) => seq), ...seqs];
    if (!more || messages.length === 0) return seqs;
  }
}

async function pagesOn(client: RawClient, ch: string, limit: number): Promise<number[]> {
  const seqs: number[] = [];
  for (;;) {
    const { messages, more } = await client.history(ch, { limit, after: seqs.at(-1) ?? 0 });
    seqs.push(...messages.map(({ seq }) => seq));
    if (!more || messages.length === 0) return seqs;
  }
}
