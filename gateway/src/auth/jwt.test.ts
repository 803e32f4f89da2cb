/** Tokens: the right ones are believed, and no other, with an error that says what is wrong and repeats nothing. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { RevocationList, Settings } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import { exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { authenticator } from "./authenticator.js";
import type { Verify } from "./identity.js";
import { type JwtOptions, jwtVerifier } from "./jwt.js";
import { KeyRings } from "./key-ring.js";
import { KEY_SET_DEFAULTS, KeySets } from "./key-set.js";

const SECRET = "a secret of at least 32 characters";
const KEY = new TextEncoder().encode(SECRET);
const verify = verifier();

function verifier(options: Partial<JwtOptions> = {}, secrets = [SECRET]): Verify {
  const nobody = () => Promise.reject(new Error("there is no JWKS"));
  const sets = new KeySets(KEY_SET_DEFAULTS, { ask: nobody, now: () => 0, log: silent });
  const rings = new KeyRings(new Settings(), { secrets }, sets, silent);
  return jwtVerifier(rings, { clockToleranceMs: 5_000, ...options });
}

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1_000) + seconds;
}

const CLAIMS: JWTPayload = { sub: "zoe", tenant: "acme", exp: inSeconds(60), caps: { "chat.*": ["sub"] } };

function signed(claims: JWTPayload, alg = "HS256", key: Uint8Array = KEY): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(key);
}

/** A token put together by hand, with a signature that is right for HS256 and the given secret. */
function forged(header: object, claims: object, secret: string | null): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const content = `${encode(header)}.${encode(claims)}`;
  const signature = secret === null ? "" : createHmac("sha256", secret).update(content).digest("base64url");
  return `${content}.${signature}`;
}

async function refused(token: string, code: string, says?: RegExp): Promise<void> {
  await assert.rejects(verify(token), (error) => {
    assert.ok(error instanceof PlexusError, String(error));
    assert.equal(error.code, code);
    if (says !== undefined) assert.match(error.message, says);
    assert.equal(error.message.includes("zoe"), false, "nothing of the token is repeated");
    return true;
  });
}

test("a right token says who it is, where, what is allowed and how long", async () => {
  const identity = await verify(await signed({ ...CLAIMS, iat: inSeconds(-5), jti: "t1" }));
  assert.deepEqual([identity.user, identity.tenant, identity.tokenId], ["zoe", "acme", "t1"]);
  assert.equal(identity.expiresAt, CLAIMS.exp! * 1_000);
  assert.equal(typeof identity.issuedAt, "number");
  assert.ok(identity.capabilities.allows("sub", "chat.a"));
  assert.equal(identity.capabilities.allows("pub", "chat.a"), false);
});

test("without caps nothing is allowed, and without iat and jti it is a token all the same", async () => {
  const { caps: _, ...claims } = CLAIMS;
  const identity = await verify(await signed(claims));
  assert.equal(identity.capabilities.allows("sub", "chat.a"), false);
  assert.deepEqual([identity.issuedAt, identity.tokenId], [undefined, undefined]);
});

test("an expired token is told as such, with a few seconds for clocks that differ", async () => {
  await refused(await signed({ ...CLAIMS, exp: inSeconds(-10) }), "token_expired");
  await verify(await signed({ ...CLAIMS, exp: inSeconds(-2) }));
  await refused(await signed({ ...CLAIMS, nbf: inSeconds(60) }), "unauthorized");
});

test("an expired token with a wrong signature is not told that it has expired", async () => {
  const other = new TextEncoder().encode("another secret of at least 32 chars");
  await refused(await signed({ ...CLAIMS, exp: inSeconds(-10) }, "HS256", other), "unauthorized");
});

test("a token of another secret, or changed afterwards, is refused", async () => {
  await refused(
    await signed(CLAIMS, "HS256", new TextEncoder().encode(SECRET.replace("a", "b"))),
    "unauthorized",
  );
  const [header, , signature] = (await signed(CLAIMS)).split(".");
  const claims = Buffer.from(JSON.stringify({ ...CLAIMS, sub: "root" })).toString("base64url");
  await refused(`${header}.${claims}.${signature}`, "unauthorized");
});

test("a token without a signature is refused, whatever it calls its algorithm", async () => {
  for (const alg of ["none", "None", "NONE", "", undefined]) {
    await refused(forged({ alg }, CLAIMS, null), "unauthorized");
    await refused(forged({ alg }, CLAIMS, SECRET), "unauthorized");
  }
});

test("other algorithms are refused, also those that would work with the same secret", async () => {
  await refused(await signed(CLAIMS, "HS512"), "unauthorized");
  await refused(await signed(CLAIMS, "HS384"), "unauthorized");
  await refused(forged({ alg: "HS512" }, CLAIMS, SECRET), "unauthorized");
});

test("no key that is public is taken for the secret, and none is taken out of the token", async () => {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const rs256 = await new SignJWT(CLAIMS).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
  await refused(rs256, "unauthorized");
  // Signed with the public key as if it were the secret.
  await refused(forged({ alg: "HS256" }, CLAIMS, await exportSPKI(publicKey)), "unauthorized");
  const jwk = { kty: "oct", k: Buffer.from("mine").toString("base64url") };
  await refused(forged({ alg: "HS256", jwk }, CLAIMS, "mine"), "unauthorized");
  await refused(forged({ alg: "HS256", crit: ["x"], x: 1 }, CLAIMS, SECRET), "unauthorized");
});

test("what is no token at all is refused", async () => {
  for (const token of ["", "a", "a.b", "a.b.c", "..", "é.é.é", "null", `${"x".repeat(8_000)}.y.z`])
    await refused(token, "unauthorized");
});

test("a claim that is missing or malformed makes the token worthless", async () => {
  for (const claim of ["sub", "tenant", "exp"]) {
    const { [claim]: _, ...rest } = CLAIMS;
    await refused(await signed(rest), "unauthorized");
  }
  const malformed: Record<string, unknown[]> = {
    sub: ["", "x".repeat(129), "\ud83d", 7, null, ["zoe"], {}],
    tenant: ["", "ACME", "a.b", "a b", "x".repeat(33), 7, null, ["acme"], ">"],
    exp: ["soon", null, {}],
    caps: [null, [], "chat.*", { "a..b": ["sub"] }, { a: ["admin"] }, { a: "sub" }],
  };
  for (const [claim, values] of Object.entries(malformed))
    for (const value of values)
      await refused(forged({ alg: "HS256" }, { ...CLAIMS, [claim]: value }, SECRET), "unauthorized");
});

test("the largest name and the smallest token are taken", async () => {
  const claims = { ...CLAIMS, sub: "x".repeat(128), tenant: "-" };
  assert.equal((await verify(forged({ alg: "HS256" }, claims, SECRET))).user, claims.sub);
});

test("what comes from the future is refused, but for clocks that differ", async () => {
  await verify(await signed({ ...CLAIMS, iat: inSeconds(3), nbf: inSeconds(3) }));
  await refused(await signed({ ...CLAIMS, iat: inSeconds(30) }), "unauthorized", /future/);
  await refused(await signed({ ...CLAIMS, nbf: inSeconds(30) }), "unauthorized");
  const exact = verifier({ clockToleranceMs: 0 });
  await assert.rejects(exact(await signed({ ...CLAIMS, exp: inSeconds(-2) })), { code: "token_expired" });
  await assert.rejects(exact(await signed({ ...CLAIMS, iat: inSeconds(3) })), { code: "unauthorized" });
});

test("issuer and audience are asked where they are given", async () => {
  const asking = verifier({ issuer: "https://id.example", audience: "chat" });
  const right = { ...CLAIMS, iss: "https://id.example", aud: ["other", "chat"] };
  await asking(await signed(right));
  for (const wrong of [
    { iss: "https://evil.example" },
    { aud: "other" },
    { iss: undefined },
    { aud: undefined },
  ])
    await assert.rejects(asking(await signed({ ...right, ...wrong })), { code: "unauthorized" });
});

test("of several secrets each is taken, and one that is gone is not", async () => {
  const other = "another secret of at least 32 characters";
  const token = (secret: string) => signed(CLAIMS, "HS256", new TextEncoder().encode(secret));
  const both = verifier({}, [SECRET, other]);
  for (const secret of [SECRET, other]) await both(await token(secret));
  await assert.rejects(verifier({}, [other])(await token(SECRET)), { code: "unauthorized" });
});

test("a revoked token is refused, others of the user are not", async () => {
  const revocations = new RevocationList();
  revocations.put({ tenant: "acme", jti: "t1", until: Date.now() + 60_000 });
  const guarded = authenticator({ jwt: verify, revocations, settings: new Settings() });
  const token = (jti: string) => signed({ ...CLAIMS, jti });
  await assert.rejects(guarded(await token("t1")), { code: "unauthorized", message: /revoked/ });
  assert.equal((await guarded(await token("t2"))).tokenId, "t2");
});

test("a tenant that is suspended, or not listed where it must be, is forbidden", async () => {
  const settings = new Settings();
  const guarded = authenticator({ jwt: verify, revocations: new RevocationList(), settings });
  const token = await signed(CLAIMS);
  await guarded(token);
  settings.putTenant("acme", { suspended: true });
  await assert.rejects(guarded(token), { code: "forbidden" });
  settings.putTenant("acme", null);
  settings.putInstallation({ unlistedTenants: "refuse" });
  await assert.rejects(guarded(token), { code: "forbidden" });
  settings.putTenant("acme", {});
  await guarded(token);
});
