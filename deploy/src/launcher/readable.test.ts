import assert from "node:assert/strict";
import { test } from "node:test";
import { readableLine } from "./readable.js";

test("a JSON line becomes time, level, message and reason; another line stays", () => {
  const line =
    '{"level":"fatal","time":"2026-11-22T00:23:21.913Z","id":"g1","err":{"message":"no port"},"msg":"could not start"}';
  assert.equal(readableLine(line), "00:23:21 fatal could not start: no port");
  assert.equal(readableLine('{"msg":"x"}'), "x");
  for (const other of ["[15552] [INF] Server is ready", '{"level":', ""])
    assert.equal(readableLine(other), other);
});
