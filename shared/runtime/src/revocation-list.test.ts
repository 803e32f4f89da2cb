import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_REVOCATIONS, RevocationList, revocationKey } from "./revocation-list.js";

const ALICE = { tenant: "demo", user: "alice" };

test("a user's revocation concerns the tokens that were issued before it", () => {
  const list = new RevocationList();
  list.put({ ...ALICE, before: 10_500, until: 99_000 });
  assert.ok(list.isRevoked({ ...ALICE, issuedAt: 9_000 }));
  assert.ok(!list.isRevoked({ ...ALICE, issuedAt: 11_000 }));
  assert.ok(!list.isRevoked({ ...ALICE, user: "bob", issuedAt: 9_000 }));
  assert.ok(!list.isRevoked({ ...ALICE, tenant: "other", issuedAt: 9_000 }));
});

test("a token of the same second, or one that does not say when, counts as issued before", () => {
  const list = new RevocationList();
  list.put({ ...ALICE, before: 10_500, until: 99_000 });
  assert.ok(list.isRevoked({ ...ALICE, issuedAt: 10_000 }));
  assert.ok(list.isRevoked(ALICE));
});

test("a token is revoked by its id, in one tenant or in all of them", () => {
  const list = new RevocationList();
  list.put({ tenant: "demo", jti: "one", until: 99_000 });
  list.put({ tenant: null, jti: "two", until: 99_000 });
  const token = { ...ALICE, issuedAt: 50_000 };
  assert.ok(list.isRevoked({ ...token, tokenId: "one" }));
  assert.ok(!list.isRevoked({ ...token, tokenId: "one", tenant: "other" }));
  assert.ok(list.isRevoked({ ...token, tokenId: "two", tenant: "other" }));
  assert.ok(!list.isRevoked({ ...token, tokenId: "three" }));
  assert.ok(!list.isRevoked(token));
});

test("what is over is forgotten", () => {
  const list = new RevocationList();
  list.put({ ...ALICE, before: 1_000, until: 5_000 });
  list.put({ tenant: null, jti: "one", until: 6_000 });
  assert.deepEqual(list.expire(4_999), []);
  assert.deepEqual(list.expire(5_000), [{ ...ALICE, before: 1_000, until: 5_000 }]);
  assert.ok(!list.isRevoked(ALICE));
  assert.equal(list.size, 1);
});

test("a full list refuses what is new, and still takes what replaces", () => {
  const list = new RevocationList();
  for (let i = 0; i < MAX_REVOCATIONS; i++) list.put({ tenant: null, jti: `${i}`, until: 5_000 });
  assert.ok(!list.put({ tenant: null, jti: "another", until: 5_000 }));
  assert.ok(list.put({ tenant: null, jti: "7", until: 9_000 }));
  assert.ok(list.isRevoked({ ...ALICE, tokenId: "7" }));
});

test("keys are fit for NATS KV whatever the names hold, and never the same for different names", () => {
  const users = ["alice", "a.b", "a*>", "ü 漢", "a/b", "_", "\u0000"];
  const keys = users.flatMap((name) => [
    revocationKey({ tenant: "demo", user: name, before: 0, until: 0 }),
    revocationKey({ tenant: "demo", jti: name, until: 0 }),
    revocationKey({ tenant: null, jti: name, until: 0 }),
  ]);
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) assert.match(key, /^(user|jti)\.[a-z0-9_-]+\.[A-Za-z0-9_-]+$/);
});
