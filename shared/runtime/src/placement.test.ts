/**
 * Placement: computed alike everywhere and in every version, fair, and only what must move moves. The golden
 * values below are a contract between processes of different versions: if one of them changes, every channel
 * of an installation changes its home.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hash32, mix32 } from "./hash.js";
import { type Candidate, PARTITIONS, partitionOf, partitionOwner, rendezvous } from "./placement.js";

const CELLS: Candidate[] = [
  { id: "eu-1", weight: 1 },
  { id: "us-1", weight: 1 },
  { id: "ap-1", weight: 2 },
];

const anyKey = fc.tuple(fc.stringMatching(/^[a-z]{1,4}$/), fc.stringMatching(/^[a-z]{1,4}\.[a-z0-9]{1,6}$/));
const anyKeys = fc.array(
  anyKey.map(([tenant, channel]) => `${tenant}/${channel}`),
  { minLength: 1, maxLength: 50 },
);
const anyWeight = fc.double({ min: 0.05, max: 20, noNaN: true });
const anyCandidates = fc.uniqueArray(
  fc.record({ id: fc.stringMatching(/^[a-z]{1,3}-[0-9]{1,2}$/), weight: anyWeight }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 12 },
);

/** 30,000 channels as they are named. */
const KEYS = Array.from({ length: 30_000 }, (_, i) => `acme/chat.room-${i}`);

test("golden: hashes", () => {
  assert.deepEqual(
    [mix32(0), mix32(1), mix32(123_456_789), mix32(0xffffffff)],
    [0, 1_364_076_727, 3_126_909_082, 2_180_083_513],
  );
  const golden: Array<[text: string, seed0: number, seed1: number, seed2: number]> = [
    ["", 2_872_998_923, 3_770_482_475, 1_112_372_382],
    ["a", 444_641_715, 3_873_127_206, 1_185_767_313],
    ["acme/chat.lobby", 1_412_764_296, 4_103_943_261, 3_311_687_172],
    ["t/é🙂", 3_031_540_706, 1_383_776_489, 3_847_286_034],
  ];
  for (const [text, ...hashes] of golden)
    assert.deepEqual([hash32(text), hash32(text, 1), hash32(text, 2)], hashes, text);
});

test("golden: homes, partitions and their owners", () => {
  const homes = KEYS.slice(0, 24).map((key) => rendezvous(key, CELLS)!.id.slice(0, 2));
  assert.equal(homes.join(" "), "ap ap eu us eu us us ap ap us ap ap ap eu ap us ap eu ap ap ap ap ap ap");
  assert.deepEqual(["", "a", "acme/chat.lobby", "t/é🙂"].map(partitionOf), [30, 17, 4, 18]);
  const owners = (workers: string[]) =>
    Array.from({ length: PARTITIONS }, (_, i) => partitionOwner(i, workers)!.at(-1)).join("");
  assert.deepEqual(
    [owners(["eu-1-w1", "eu-1-w2"]), owners(["w1", "w2", "w3"])].map((all) => hash32(all)),
    [3_365_332_115, 3_594_809_770],
  );
});

test("the order in which candidates are listed does not matter", () => {
  fc.assert(
    fc.property(anyKeys, anyCandidates, (keys, candidates) => {
      const reversed = [...candidates].reverse();
      for (const key of keys) assert.equal(rendezvous(key, candidates), rendezvous(key, reversed));
    }),
  );
});

test("there is no home only where there is no candidate", () => {
  assert.equal(rendezvous("acme/chat", []), undefined);
  assert.equal(partitionOwner(3, []), undefined);
  assert.equal(rendezvous("acme/chat", CELLS.slice(0, 1))?.id, "eu-1");
});

test("when a cell comes, channels move to it and nowhere else", () => {
  fc.assert(
    fc.property(anyKeys, anyCandidates, anyWeight, (keys, candidates, weight) => {
      const more = [...candidates, { id: "new", weight }];
      for (const key of keys) {
        const now = rendezvous(key, more)!.id;
        if (now !== "new") assert.equal(now, rendezvous(key, candidates)!.id, key);
      }
    }),
  );
});

test("when a cell goes, its channels move and no others", () => {
  fc.assert(
    fc.property(anyKeys, anyCandidates, fc.nat(), (keys, candidates, which) => {
      const gone = candidates[which % candidates.length]!;
      const rest = candidates.filter((candidate) => candidate !== gone);
      for (const key of keys) {
        const before = rendezvous(key, candidates)!;
        if (before !== gone) assert.equal(rendezvous(key, rest), before, key);
      }
    }),
  );
});

test("when a cell's weight grows, channels only move to it; when it shrinks, only away from it", () => {
  fc.assert(
    fc.property(anyKeys, anyCandidates, fc.nat(), anyWeight, (keys, candidates, which, weight) => {
      const changed = candidates[which % candidates.length]!;
      const after = candidates.map((candidate) =>
        candidate === changed ? { ...changed, weight } : candidate,
      );
      for (const key of keys) {
        const [from, to] = [rendezvous(key, candidates)!.id, rendezvous(key, after)!.id];
        if (from !== to) assert.equal(weight > changed.weight ? to : from, changed.id, key);
      }
    }),
  );
});

/** Fails where a count is further from what is expected than chance would have it once in a million times. */
function assertShare(count: number, of: number, share: number, what: string): void {
  const deviation = Math.abs(count - of * share) / Math.sqrt(of * share * (1 - share));
  assert.ok(deviation < 5, `${what}: ${count} of ${of}, ${deviation.toFixed(1)} standard deviations off`);
}

test("channels spread over cells by weight", () => {
  const weights = [1, 2, 3, 0.5, 10];
  const cells = weights.map((weight, i) => ({ id: `cell-${i}`, weight }));
  const counts = new Map(cells.map((cell) => [cell, 0]));
  for (const key of KEYS) {
    const home = rendezvous(key, cells)!;
    counts.set(home, counts.get(home)! + 1);
  }
  for (const [{ id, weight }, count] of counts) assertShare(count, KEYS.length, weight / 16.5, id);
});

test("the number that moves is the newcomer's share", () => {
  const more = [...CELLS, { id: "sa-1", weight: 1 }];
  const moved = KEYS.filter((key) => rendezvous(key, CELLS)!.id !== rendezvous(key, more)!.id).length;
  assertShare(moved, KEYS.length, 1 / 5, "moved");
});

test("channels spread evenly over partitions, also those of one cell", () => {
  for (const keys of [KEYS, KEYS.filter((key) => rendezvous(key, CELLS)!.id === "eu-1")]) {
    const counts = new Array<number>(PARTITIONS).fill(0);
    for (const key of keys) counts[partitionOf(key)]!++;
    for (const [partition, count] of counts.entries())
      assertShare(count, keys.length, 1 / PARTITIONS, `partition ${partition}`);
  }
});

test("workers get a fair part of the partitions, and only a leaver's change their owner", () => {
  for (const cell of ["eu-1", "us-1", "ap-2", "sa-9"]) {
    const workers = ["w1", "w2", "w3", "w4"].map((worker) => `${cell}-${worker}`);
    const owners = Array.from({ length: PARTITIONS }, (_, i) => partitionOwner(i, workers));
    for (const worker of workers) {
      const owned = owners.filter((owner) => owner === worker).length;
      assert.ok(owned >= 6 && owned <= 28, `${worker} owns ${owned}`);
    }
    const rest = workers.slice(1);
    for (const [partition, owner] of owners.entries())
      if (owner !== workers[0]) assert.equal(partitionOwner(partition, rest), owner);
  }
});
