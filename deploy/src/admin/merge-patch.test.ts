import assert from "node:assert/strict";
import { test } from "node:test";
import { mergePatch } from "./merge-patch.js";

test("the examples of RFC 7396", () => {
  const examples: Array<[target: unknown, patch: unknown, result: unknown]> = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of examples) assert.deepEqual(mergePatch(target, patch), result);
});

test("a patch of nothing makes nothing of nothing, and neither side is changed", () => {
  const target = Object.freeze({ a: Object.freeze({ b: 1 }) });
  assert.deepEqual(mergePatch(target, { a: { c: 2 } }), { a: { b: 1, c: 2 } });
  assert.deepEqual(mergePatch(undefined, {}), {});
});

test("names with a meaning in JavaScript are names", () => {
  const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}')) as object;
  assert.equal(Object.getPrototypeOf(merged), Object.prototype);
  assert.deepEqual(Object.keys(merged), ["__proto__"]);
});
