import assert from "node:assert/strict";
import { test } from "node:test";
import { CliError } from "./errors.js";
import { readPatch } from "./settings-patch.js";

test("paths become objects, values JSON or text, and nothing takes a field out", () => {
  const patch = readPatch([
    "quotas.connections=100",
    "quotas.messageBytes=",
    "suspended=true",
    "namespaces.chat.slowReader=latest",
    'events=["connected"]',
    "namespaces.chat.retention.messages=7",
    "note=a=b",
  ]);
  assert.deepEqual(patch, {
    quotas: { connections: 100, messageBytes: null },
    suspended: true,
    namespaces: { chat: { slowReader: "latest", retention: { messages: 7 } } },
    events: ["connected"],
    note: "a=b",
  });
});

test("what is no assignment, or contradicts another one, is refused", () => {
  for (const wrong of [["quotas"], ["=1"], ["a..b=1"], [".a=1"], ["a=1", "a.b=2"], ["a=[]", "a.b=2"]])
    assert.throws(() => readPatch(wrong), CliError, wrong.join(" "));
});

test("names with a meaning in JavaScript are names", () => {
  const patch = readPatch(["__proto__.polluted=1"]);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(JSON.stringify(patch), '{"__proto__":{"polluted":1}}');
});
