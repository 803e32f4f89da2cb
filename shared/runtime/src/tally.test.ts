import assert from "node:assert/strict";
import { test } from "node:test";
import { register } from "prom-client";
import { LabelledTally, Tally } from "./tally.js";

async function shown(name: string, labels = ""): Promise<number> {
  const text = await register.getSingleMetricAsString(name);
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name}${labels} `));
  return Number(line?.split(" ")[1]);
}

test("what was counted is told whenever it is asked for, and told once", async () => {
  const tally = new Tally({ name: "test_tally", help: "h" });
  tally.add();
  tally.add(4);
  assert.equal(await shown("test_tally"), 5);
  assert.equal(await shown("test_tally"), 5);
  tally.add(2);
  assert.equal(await shown("test_tally"), 7);
});

test("by a label each value has a count of its own", async () => {
  const tally = new LabelledTally<"a" | "b">({ name: "test_labelled", help: "h", label: "kind" });
  tally.add("a");
  tally.add("b", 2);
  tally.add("a");
  assert.deepEqual(
    [await shown("test_labelled", '{kind="a"}'), await shown("test_labelled", '{kind="b"}')],
    [2, 2],
  );
  tally.add("a");
  assert.deepEqual(
    [await shown("test_labelled", '{kind="a"}'), await shown("test_labelled", '{kind="b"}')],
    [3, 2],
  );
});
