import assert from "node:assert/strict";
import { test } from "node:test";
import { firstMissing, type Learned, withLearned } from "./shape.js";

function missing(shown: string[], printed: string[]): string | undefined {
  return firstMissing(shown, printed, new Map());
}

test("words stand for themselves, what has a digit for any word; spans and blanks do not count", () => {
  const shown = ["CELL  STATE   UP FOR", "eu-1  active  8 s"];
  assert.equal(missing(shown, ["CELL STATE   UP FOR", "xx  other 1 s", "us-2 active  2 m 30 s"]), undefined);
  assert.equal(missing(shown, ["CELL STATE   UP FOR", "us-2 drained 2 m 30 s"]), shown[1]);
  assert.equal(missing(shown, [...shown].reverse()), shown[1], "the order counts");
  assert.equal(missing(["a", "…", "b"], ["a", "x", "b"]), undefined);
});

test("of JSON all fields that are shown have to be there, with their kind; codes and states of kind are exact", () => {
  const shown = ['{"error":{"code":"conflict",', ' "message":"no"},"by":{"g1":2}}'];
  assert.equal(missing(shown, ['{"error":{"code":"conflict","message":"yes","more":1},"by":{}}']), undefined);
  assert.equal(missing(shown, ['{"error":{"code":"other","message":"no"},"by":{"g1":2}}']), shown[0]);
  assert.equal(missing(shown, ['{"error":{"code":"conflict"},"by":{}}']), shown[0]);
  assert.equal(missing(['[{"a":1},{"a":2}]'], ['[{"a":5}]']), undefined);
  assert.equal(missing(['[{"a":1}]'], ["[]"]), '[{"a":1}]');
  assert.equal(missing(['data: {"op":"msg","a":"x"}'], ['data: {"op":"msg","a":"y"}']), undefined);
  assert.equal(
    missing(['data: {"op":"msg","a":"x"}'], ['data: {"op":"open","a":"y"}']),
    'data: {"op":"msg","a":"x"}',
  );
});

test("ids and counts of the page are put in place by what came", () => {
  const learned: Learned = new Map();
  assert.equal(firstMissing(['{"id":"drain-mwr5"}'], ['{"id":"drain-7777"}'], learned), undefined);
  assert.equal(firstMissing(["revision 1"], ["revision 17"], learned), undefined);
  assert.equal(withLearned("ops drain-mwr5 --revision 1", learned), "ops drain-7777 --revision 17");
});
