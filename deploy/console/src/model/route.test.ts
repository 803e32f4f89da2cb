import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, parseRoute } from "./route.js";

test("every view can be linked to, whatever a user is called", () => {
  for (const route of [
    { view: "overview" },
    { view: "operations" },
    { view: "channel", tenant: "demo", name: "chat.lobby" },
    { view: "user", tenant: "demo", name: "Ada / Löwe #1 %" },
  ] as const)
    assert.deepEqual(parseRoute(hashOf(route)), route);
});

test("an address that says nothing, or half of something, is the view alone", () => {
  for (const hash of ["", "#", "#/", "#/nowhere", "#overview"])
    assert.deepEqual(parseRoute(hash), { view: "overview" }, hash);
  assert.deepEqual(parseRoute("#/channel/demo"), { view: "channel" });
  assert.deepEqual(parseRoute("#/gateways/a/b"), { view: "gateways" });
  assert.deepEqual(parseRoute("#/user/demo/%"), { view: "user", tenant: "demo", name: "%" });
});
