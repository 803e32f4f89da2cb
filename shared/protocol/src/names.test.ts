/** Names, patterns, and what a pattern covers; against a reference that is slow and plainly right. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  channelKey,
  isChannel,
  isPattern,
  isTenant,
  isText,
  MAX_CHANNEL_LENGTH,
  MAX_CHANNEL_TOKENS,
  matches,
  namespaceOf,
  splitChannelKey,
} from "./names.js";
import { anyChannel, anyPattern, anyTenant } from "./testing/arbitraries.js";

test("tenants are 1 to 32 small letters, digits and dashes", () => {
  for (const good of ["a", "t-1", "0", "-", "a".repeat(32)]) assert.ok(isTenant(good), good);
  for (const bad of ["", "A", "a_b", "a.b", "a b", "é", "a".repeat(33), "a\n", 7, null, undefined, ["a"]])
    assert.equal(isTenant(bad), false, String(bad));
});

test("what is text stays as it is on the way, so no two of them become one", () => {
  const utf8 = (text: string) => Buffer.from(text).toString();
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "é", "\ud83d", "\ude00") }), (text) => {
      assert.equal(isText(text, 100), text.length > 0 && utf8(text) === text);
    }),
  );
  assert.deepEqual(
    ["xx", "xxx", 7, null].map((value) => isText(value, 2)),
    [true, false, false, false],
  );
});

test("channels are 1 to 8 tokens of letters, digits, _ and -", () => {
  for (const good of ["a", "chat.lobby", "A-1._.-", "1.2.3.4.5.6.7.8", "a".repeat(64)])
    assert.ok(isChannel(good), good);
  const nine = "1.2.3.4.5.6.7.8.9";
  for (const bad of ["", ".", "a.", ".a", "a..b", "a b", "a*", "*", ">", "a.>", nine, "a".repeat(65)])
    assert.equal(isChannel(bad), false, bad);
  for (const bad of ["a\n", "a\0", "é", "a/b", "a:b", 'a"b', "a\\b", 7, null, undefined, {}, ["a"]])
    assert.equal(isChannel(bad), false, String(bad));
});

test("a channel is 200 characters long at most", () => {
  const longest = `${`${"a".repeat(64)}.`.repeat(3)}${"b".repeat(5)}`;
  assert.equal(longest.length, MAX_CHANNEL_LENGTH);
  assert.ok(isChannel(longest));
  assert.equal(isChannel(`${longest}b`), false);
});

test("patterns have * in place of a token, and > only as the last", () => {
  for (const good of ["*", ">", "a.*", "*.a", "a.>", "*.>", "a.*.b", "chat.lobby"])
    assert.ok(isPattern(good), good);
  for (const bad of ["", "a.", ">.a", "a.>.b", "a*", "**", "*a", "a>", ">>", "1.2.3.4.5.6.7.8.>", "a b"])
    assert.equal(isPattern(bad), false, bad);
});

test("every channel is a pattern that covers itself", () => {
  fc.assert(
    fc.property(anyChannel, (channel) => {
      assert.ok(isChannel(channel));
      assert.ok(isPattern(channel));
      assert.ok(matches(channel, channel));
      assert.ok(matches(">", channel));
    }),
  );
});

test("a pattern covers exactly the channels that its meaning says", () => {
  fc.assert(
    fc.property(anyPattern, anyChannel, (pattern, channel) => {
      assert.ok(isPattern(pattern));
      assert.equal(matches(pattern, channel), covers(pattern.split("."), channel.split(".")));
    }),
    { numRuns: 2_000 },
  );
});

test("a pattern made from a channel covers it", () => {
  fc.assert(
    fc.property(anyChannel, fc.infiniteStream(fc.boolean()), fc.nat(9), (channel, stars, cut) => {
      const tokens = channel.split(".").map((token) => (stars.next().value ? "*" : token));
      const open = cut < tokens.length ? [...tokens.slice(0, cut), ">"] : tokens;
      assert.ok(matches(open.join("."), channel), open.join("."));
    }),
  );
});

test("* stands for exactly one token, > for one or more", () => {
  assert.equal(matches("a.*", "a"), false);
  assert.equal(matches("a.*", "a.b.c"), false);
  assert.equal(matches("a.>", "a"), false);
  assert.ok(matches("a.>", "a.b.c"));
  assert.equal(matches("a.*.c", "a.b.d"), false);
});

test("a channel's key is taken apart into what it was made of", () => {
  fc.assert(
    fc.property(anyTenant, anyChannel, (tenant, channel) => {
      assert.deepEqual(splitChannelKey(channelKey(tenant, channel)), { tenant, channel });
    }),
  );
});

test("keys of different channels differ", () => {
  const named = fc.tuple(anyTenant, anyChannel);
  fc.assert(
    fc.property(named, named, ([tenantA, a], [tenantB, b]) => {
      const same = tenantA === tenantB && a === b;
      assert.equal(channelKey(tenantA, a) === channelKey(tenantB, b), same);
    }),
  );
});

test("the namespace is the first token", () => {
  assert.equal(namespaceOf("chat"), "chat");
  assert.equal(namespaceOf("chat.lobby.1"), "chat");
});

/** The meaning of a pattern, token by token. */
function covers([want, ...wants]: string[], [have, ...haves]: string[]): boolean {
  if (want === undefined || have === undefined) return want === have;
  if (want === ">") return true;
  return (want === "*" || want === have) && covers(wants, haves);
}

test("bounds are those of the protocol", () => {
  assert.deepEqual([MAX_CHANNEL_LENGTH, MAX_CHANNEL_TOKENS], [200, 8]);
});
