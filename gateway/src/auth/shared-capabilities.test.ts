import assert from "node:assert/strict";
import { test } from "node:test";
import { Capabilities, MAX_PATTERNS } from "@plexus/protocol";
import { SharedCapabilities } from "./shared-capabilities.js";

test("equal claims are one object, different ones are not", () => {
  const shared = new SharedCapabilities();
  const claim = () => ({ "chat.*": ["sub", "pub"] });
  const first = shared.of(claim());
  assert.ok(first instanceof Capabilities);
  assert.equal(shared.of(claim()), first);
  const other = shared.of({ "chat.*": ["sub"] });
  assert.ok(other instanceof Capabilities && other !== first);
  assert.deepEqual([first.allows("pub", "chat.a"), other.allows("pub", "chat.a")], [true, false]);
  const none = shared.of(undefined);
  assert.ok(none instanceof Capabilities && !none.allows("sub", "chat.a"));
});

test("what is wrong with a claim is said each time", () => {
  const shared = new SharedCapabilities();
  for (const claim of [null, 7, [], "chat", { "chat.*": ["own"] }])
    for (let again = 0; again < 2; again++) assert.equal(shared.of(claim), Capabilities.parse(claim));
});

test("there is a bound on what is remembered, and a long claim is not", () => {
  const shared = new SharedCapabilities();
  const first = shared.of({ c0: ["sub"] });
  for (let i = 1; i <= 1_000; i++) shared.of({ [`c${i}`]: ["sub"] });
  assert.notEqual(shared.of({ c0: ["sub"] }), first, "the memory has started anew");
  const long = Object.fromEntries(
    Array.from({ length: MAX_PATTERNS }, (_, i) => [`chat.channel-${i}`, ["sub"]]),
  );
  assert.notEqual(shared.of(long), shared.of(long));
});
