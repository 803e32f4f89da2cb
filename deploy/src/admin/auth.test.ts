import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdminToken, authenticate, parseTokens } from "./auth.js";

const ONE = "a".repeat(32);
const TWO = "b".repeat(40);

function tokens(text: string): AdminToken[] {
  const parsed = parseTokens(text);
  assert.ok(typeof parsed !== "string", String(parsed));
  return parsed;
}

test("a token opens, whatever else does not", () => {
  const known = tokens(ONE);
  assert.ok(authenticate(`Bearer ${ONE}`, known));
  assert.ok(authenticate(`bearer  ${ONE}`, known));
  for (const header of [
    undefined,
    "",
    ONE,
    "Bearer",
    "Bearer ",
    `Bearer ${ONE}x`,
    `Basic ${ONE}`,
    `Bearer ${TWO}`,
  ])
    assert.equal(authenticate(header, known), undefined, header);
});

test("tokens have names, for the audit log", () => {
  const known = tokens(`alice:${ONE}, ci:${TWO}`);
  assert.equal(authenticate(`Bearer ${ONE}`, known)?.name, "alice");
  assert.equal(authenticate(`Bearer ${TWO}`, known)?.name, "ci");
});

test("a token says what it allows, and without a word everything", () => {
  const known = tokens(`alice:read:${ONE},bob:${TWO},eve:operate:${"c".repeat(32)}`);
  assert.deepEqual(
    known.map(({ name, role }) => [name, role]),
    [
      ["alice", "read"],
      ["bob", "operate"],
      ["eve", "operate"],
    ],
  );
  for (const text of [`alice:write:${ONE}`, `alice:READ:${ONE}`, `a:b:c:${ONE}`, `:read:${ONE}`])
    assert.equal(typeof parseTokens(text), "string", text);
});

test("a token without a name is known by the beginning of its hash, and not by itself", () => {
  const [token] = tokens(ONE);
  assert.match(token!.name, /^token-[0-9a-f]{8}$/);
});

test("what is no token is refused, and not repeated", () => {
  const short = "secret-but-short";
  for (const text of [
    short,
    `alice:${short}`,
    `${ONE},${short}`,
    `a b:${ONE}`,
    `${ONE},`,
    `x:${ONE},x:${TWO}`,
    `x:read:${short}`,
  ]) {
    const problem = parseTokens(text);
    assert.equal(typeof problem, "string", text);
    assert.ok(!String(problem).includes(short));
  }
});
