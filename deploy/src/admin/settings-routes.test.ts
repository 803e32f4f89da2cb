import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { revisionOf } from "./settings-routes.js";

test("a revision comes as a query or as an entity tag, and they must not contradict each other", () => {
  assert.equal(revisionOf(undefined, undefined), undefined);
  assert.equal(revisionOf(7, undefined), 7);
  for (const tag of ['"7"', "7", ' "7" ']) assert.equal(revisionOf(undefined, tag), 7);
  assert.equal(revisionOf(7, '"7"'), 7);
  assert.equal(revisionOf(undefined, '"0"'), 0);
  const refused = (error: unknown) => error instanceof PlexusError && error.code === "bad_request";
  assert.throws(() => revisionOf(8, '"7"'), refused);
  for (const tag of ["*", 'W/"7"', '"7", "8"', "seven", ""])
    assert.throws(() => revisionOf(undefined, tag), refused, tag);
});
