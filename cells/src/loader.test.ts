/** The ids that are read back from the logs are those of the channel's present epoch, and of no other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadChannel, readWindow } from "./loader.js";
import { MemoryLog } from "./testing/memory-log.js";
import { logsOf, recordOf, subjectIn } from "./testing/past.js";

test("what an earlier epoch left in the logs of the channel's cells is not read into its window", async () => {
  const cells = new Map(["c0", "c1"].map((id) => [id, new MemoryLog()]));
  const put = (cell: string, seq: number, epoch: string) =>
    cells.get(cell)!.put(subjectIn(cell), recordOf(seq, 1, 1_000_000, 0, epoch));
  put("c0", 7, "lost");
  put("c1", 8, "lost");
  const [first, second] = [put("c1", 1, "e1"), put("c0", 2, "e1")];
  put("c1", 9, "lost");
  const segments = [
    { cell: "c1", first: 1, last: 1, low: first, high: first },
    { cell: "c0", first: 2, last: 2, low: second, high: second },
  ];
  const ids = await readWindow(logsOf("c0", cells), segments, 1_000_000);
  assert.deepEqual(
    ids.map(({ id, seq }) => [id, seq]),
    [
      ["m1", 1],
      ["m2", 2],
    ],
  );
  assert.deepEqual(await readWindow(logsOf("c0", cells), [], 1_000_000), []);
});

test("the record that a channel was loaded from is not asked for again", async () => {
  const cells = new Map([["c0", new MemoryLog()]]);
  const log = cells.get("c0")!;
  const put = (seq: number) => log.put(subjectIn("c0"), recordOf(seq, 1, 1_000_000, 0, "e1"));
  const [first, second] = [put(1), put(2)];
  const logs = logsOf("c0", cells);
  const { newest } = await loadChannel(logs, 1_000_000);
  const segments = [{ cell: "c0", first: 1, last: 2, low: first, high: second }];
  const questionsFor = async (known: typeof newest) => {
    const before = log.questions;
    const ids = await readWindow(logs, segments, 1_000_000, known);
    assert.deepEqual(
      ids.map(({ seq }) => seq),
      [1, 2],
    );
    return log.questions - before;
  };
  assert.deepEqual([await questionsFor(null), await questionsFor(newest)], [2, 1]);
});
