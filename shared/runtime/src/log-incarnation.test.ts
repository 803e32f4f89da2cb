import assert from "node:assert/strict";
import { test } from "node:test";
import { describeIncarnation, incarnationOf, LOG_BEING_RESTORED } from "./log-incarnation.js";

const created = "2026-11-22T03:46:03.032323953Z";

test("a log's incarnation is the time at which it was made, to the nanosecond", () => {
  const nanoseconds = BigInt(Date.parse("2026-11-22T03:46:03Z")) * 1_000_000n + 32_323_953n;
  assert.equal(incarnationOf({ created, config: {} }), nanoseconds.toString(36));
  assert.notEqual(
    incarnationOf({ created, config: {} }),
    incarnationOf({ created: "2026-11-22T03:46:03.032323954Z", config: {} }),
  );
  assert.ok(incarnationOf({ created: "2026-11-22T03:46:03Z", config: { description: "of eu-1" } }));
});

test("a restored log has the one that it was given, whatever its time", () => {
  const config = { description: describeIncarnation("r-3fa9") };
  assert.equal(incarnationOf({ created, config }), "r-3fa9");
  assert.equal(incarnationOf({ created: "2027-01-01T00:00:00Z", config }), "r-3fa9");
});

test("a log that is being restored has none yet", () => {
  assert.equal(incarnationOf({ created, config: { description: LOG_BEING_RESTORED } }), undefined);
});
