/** How many channels a cell holds, and what it costs the log to say so. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeRecord, joinFragments, messageFragment, subjects } from "@plexus/protocol";
import type { Directory } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import { ChannelCount } from "./channel-count.js";
import { MemoryLog } from "./testing/memory-log.js";

const CELL = "eu-1";
const ALONE: Directory = { version: 1, cells: [{ id: CELL, region: "eu", state: "active", weight: 1 }] };
const AT_HOME: Directory = {
  version: 1,
  cells: [...ALONE.cells, { id: "us-1", region: "us", state: "drained", weight: 1 }],
};
const GIVEN_UP: Directory = {
  version: 2,
  cells: [
    { id: CELL, region: "eu", state: "drained", weight: 1 },
    { id: "us-1", region: "us", state: "active", weight: 1 },
  ],
};

class CountedLog {
  readonly #log = new MemoryLog();
  readonly #names = new Set<string>();
  walks = 0;
  fails = false;

  write(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const name = `chat.c${i}`;
      const fragment = messageFragment("id", '"u"', '"c"', "1");
      this.#log.put(
        subjects.log(CELL, "acme", name),
        encodeRecord(name, "e", 1, [joinFragments([fragment])], 1),
      );
      this.#names.add(name);
    }
  }

  async size(): Promise<number> {
    if (this.fails) throw new Error("no answer");
    return this.#names.size;
  }

  newest(tell: (subject: string, isSeal: boolean) => void): Promise<void> {
    this.walks++;
    return this.#log.newest(tell);
  }
}

function countOf(t: TestContext, isLeader = () => true) {
  const log = new CountedLog();
  const directory: { current: Directory } = { current: AT_HOME };
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const count = new ChannelCount({ cell: CELL, directory, log, isLeader, logger: silent });
  /** Counts, a minute after the last time. */
  const refresh = () => {
    now += 60_000;
    return count.refresh();
  };
  return { log, count, directory, refresh };
}

test("one cell alone is home to all, and no walk is needed", async (t) => {
  const { log, count, directory, refresh } = countOf(t);
  directory.current = ALONE;
  log.write(0, 10);
  await refresh();
  assert.deepEqual([count.value, log.walks], [10, 0]);
});

test("the log is walked through once for each state of the directory, however it grows", async (t) => {
  const { log, count, directory, refresh } = countOf(t);
  assert.equal(count.known, null, "nothing was counted yet");
  for (const size of [0, 10, 500]) {
    log.write(0, size);
    await refresh();
    assert.deepEqual([count.known, log.walks], [size, 1]);
  }
  directory.current = GIVEN_UP;
  await refresh();
  assert.deepEqual([count.known, log.walks], [0, 2], "all of them are at home elsewhere");
});

test("while homes change it is walked through each time; a log that does not answer leaves the number as it was", async (t) => {
  const { log, count, directory, refresh } = countOf(t);
  log.write(0, 3);
  await refresh();
  directory.current = { ...GIVEN_UP, operation: "o1" };
  await refresh();
  log.write(3, 5);
  await refresh();
  assert.deepEqual([count.known, log.walks], [0, 3]);
  directory.current = { ...AT_HOME, version: 3 };
  log.fails = true;
  await refresh();
  assert.equal(count.known, 0);
  log.fails = false;
  await refresh();
  assert.equal(count.known, 5);
});

test("it is counted no more often than its cost allows, and by one worker alone", async (t) => {
  let leads = false;
  const { log, count } = countOf(t, () => leads);
  await count.refresh();
  assert.deepEqual([count.known, log.walks], [null, 0]);
  leads = true;
  await count.refresh();
  log.write(0, 7);
  await count.refresh();
  assert.equal(count.known, 0, "counted a moment ago");
});
