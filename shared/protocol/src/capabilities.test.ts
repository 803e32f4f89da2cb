/** What a token's `caps` claim allows: nothing that is not listed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ACTIONS, type Action, Capabilities, MAX_PATTERNS } from "./capabilities.js";
import { matches } from "./names.js";
import { anyChannel, anyPattern } from "./testing/arbitraries.js";

function parsed(claim: unknown): Capabilities {
  const capabilities = Capabilities.parse(claim);
  assert.ok(capabilities instanceof Capabilities, String(capabilities));
  return capabilities;
}

test("no claim, or an empty one, allows nothing", () => {
  for (const claim of [undefined, {}])
    for (const action of ACTIONS) assert.equal(parsed(claim).allows(action, "chat.a"), false);
});

test("an action is allowed on the channels of the patterns that list it", () => {
  const capabilities = parsed({ "chat.*": ["sub", "pub"], "chat.news": ["history"], "x.>": [] });
  assert.ok(capabilities.allows("sub", "chat.news"));
  assert.ok(capabilities.allows("history", "chat.news"));
  assert.equal(capabilities.allows("history", "chat.a"), false);
  assert.equal(capabilities.allows("sub", "chat"), false);
  assert.equal(capabilities.allows("sub", "chat.a.b"), false);
  assert.equal(capabilities.allows("sub", "x.y"), false);
  assert.equal(capabilities.allows("signal", "chat.news"), false);
});

test("a malformed claim is refused with a sentence that says where", () => {
  const malformed: Array<[claim: unknown, says: RegExp]> = [
    [null, /must be an object/],
    ["chat.*", /must be an object/],
    [["sub"], /must be an object/],
    [7, /must be an object/],
    [{ "chat..a": ["sub"] }, /"chat\.\.a" is not a channel pattern/],
    [{ "": ["sub"] }, /is not a channel pattern/],
    [{ ">.a": ["sub"] }, /is not a channel pattern/],
    [{ "chat.a": "sub" }, /must list some of/],
    [{ "chat.a": null }, /must list some of/],
    [{ "chat.a": ["sub", "admin"] }, /must list some of/],
    [{ "chat.a": [["sub"]] }, /must list some of/],
    [{ "chat.a": ["__proto__"] }, /must list some of/],
  ];
  for (const [claim, says] of malformed) {
    const result = Capabilities.parse(claim);
    assert.ok(typeof result === "string", JSON.stringify(claim));
    assert.match(result, says);
  }
});

test("a very long key is not repeated in full", () => {
  const result = Capabilities.parse({ ["x".repeat(10_000)]: ["sub"] });
  assert.ok(typeof result === "string" && result.length < 200);
});

test("the number of patterns is bounded", () => {
  const claim = (n: number) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`c${i}`, ["sub"] satisfies Action[]]));
  assert.ok(parsed(claim(MAX_PATTERNS)).allows("sub", `c${MAX_PATTERNS - 1}`));
  assert.match(String(Capabilities.parse(claim(MAX_PATTERNS + 1))), /64 patterns at most/);
});

test("names with a meaning in JavaScript are names like others", () => {
  const capabilities = parsed(JSON.parse('{"__proto__": ["sub"], "constructor.*": ["pub"]}'));
  assert.ok(capabilities.allows("sub", "__proto__"));
  assert.equal(capabilities.allows("sub", "constructor"), false);
  assert.ok(capabilities.allows("pub", "constructor.x"));
});

test("allows exactly what some pattern that covers the channel lists, however often it is asked", () => {
  const anyActions = fc.subarray([...ACTIONS]);
  const claims = fc.dictionary(anyPattern, anyActions, { maxKeys: 8 });
  fc.assert(
    fc.property(claims, fc.array(anyChannel, { minLength: 1, maxLength: 5 }), (claim, channels) => {
      const capabilities = parsed(claim);
      for (const channel of [...channels, ...channels]) {
        for (const action of ACTIONS) {
          const listed = Object.entries(claim).some(
            ([pattern, actions]) => actions.includes(action) && matches(pattern, channel),
          );
          assert.equal(capabilities.allows(action, channel), listed, `${action} ${channel}`);
        }
      }
    }),
  );
});
