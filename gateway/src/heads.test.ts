/** Which comparisons go together, and what becomes of each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelKey, PlexusError } from "@plexus/protocol";
import { type HeadItem, type HeadsAnswer, partitionOf, type Router } from "@plexus/runtime";
import { type AskedTogether, compareHeads, headAmong } from "./heads.js";

interface Asked {
  keys: string[];
  settle: (error: PlexusError | null, answer: HeadsAnswer | null) => void;
}

/** Relays that say what they were told, and the questions that were asked for them. */
function play(places: ReadonlyArray<[channel: string, home: string]>) {
  const asked: Asked[] = [];
  const alone: string[] = [];
  const told: string[] = [];
  const relays = places.map(([channel, home]) => ({
    key: channelKey("t", channel),
    tenant: "t",
    channel,
    home,
    check: async (together?: AskedTogether) => {
      if (together === undefined) return void alone.push(channel);
      const head = await headAmong(together);
      told.push(`${channel} ${head?.head.seq ?? "alone"}`);
    },
  }));
  const send = (
    kind: string,
    tenant: string,
    channel: string,
    body: { keys: string[] },
    ...rest: unknown[]
  ) => {
    assert.deepEqual([kind, channelKey(tenant, channel)], ["heads", body.keys[0]]);
    asked.push({ keys: body.keys, settle: rest[1] as Asked["settle"] });
  };
  const failed: string[] = [];
  compareHeads(relays, { send } as unknown as Router, "g1", ({ channel }) => void failed.push(channel));
  return { asked, alone, told, failed };
}

/** Channels of one partition. */
function neighbours(count: number): string[] {
  const found: string[] = [];
  for (let i = 0; found.length < count; i++)
    if (partitionOf(channelKey("t", `chat.${i}`)) === 7) found.push(`chat.${i}`);
  return found;
}

const head = (seq: number): HeadItem => ["e", seq, null, 0];
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("channels of one partition are asked for together; each gets its own answer, or none", async () => {
  const [a, b, c] = neighbours(3) as [string, string, string];
  const { asked, alone, told } = play([a, b, c].map((channel) => [channel, "eu-1"]));
  assert.deepEqual(
    [asked.map(({ keys }) => keys), alone],
    [[[a, b, c].map((name) => channelKey("t", name))], []],
  );
  asked[0]!.settle(null, { heads: [head(1), null, head(3)] });
  await settled();
  assert.deepEqual(told, [`${a} 1`, `${b} alone`, `${c} 3`]);
});

test("what is at home elsewhere or in another partition is asked for by itself", () => {
  const [a, b] = neighbours(2) as [string, string];
  const other = Array.from({ length: 100 }, (_, i) => `chat.${i}`).find(
    (channel) => partitionOf(channelKey("t", channel)) !== 7,
  )!;
  const { asked, alone } = play([
    [a, "eu-1"],
    [b, "us-1"],
    [other, "eu-1"],
  ]);
  assert.deepEqual([asked, alone], [[], [a, b, other]]);
});

test("many are several questions, and what fails is told of each", async () => {
  const all = neighbours(230);
  const { asked, failed } = play(all.map((channel) => [channel, "eu-1"]));
  assert.deepEqual(
    asked.map(({ keys }) => keys.length),
    [100, 100, 30],
  );
  asked[2]!.settle(new PlexusError("timeout", "no answer in time"), null);
  await settled();
  assert.deepEqual(failed, all.slice(200));
});
