/** The ids that are read back from the logs are those of the channel's present epoch, and of no other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readWindow } from "./loader.js";
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
