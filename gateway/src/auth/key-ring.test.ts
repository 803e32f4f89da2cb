/** Whose key signs for whom, with public keys of all kinds, and with issuers that change their keys or are away. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { Settings } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";
import type { AskJson } from "./http.js";
import type { Verify } from "./identity.js";
import { jwtVerifier } from "./jwt.js";
import { KeyRings } from "./key-ring.js";
import { KEY_SET_DEFAULTS, KeySets } from "./key-set.js";

const SECRET = "the secret of the installation itself";
const URL_A = "https://id.example/jwks";
const OPTIONS = { ...KEY_SET_DEFAULTS, maxAgeMs: 1_000, coolDownMs: 100, retryMs: 50, keepMs: 10_000 };

interface Pair {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

async function pair(alg: string, kid?: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { alg, privateKey, publicKey, jwk: kid === undefined ? jwk : { ...jwk, kid } };
}

let settings: Settings;
let now: number;
/** What each address answers; undefined: nothing. */
let issuers: Map<string, unknown>;
let asked: string[];
let verify: Verify;

beforeEach(() => {
  settings = new Settings();
  now = 0;
  issuers = new Map();
  asked = [];
  const ask: AskJson = async (url) => {
    asked.push(url);
    const body = issuers.get(url);
    if (body === undefined) throw new Error("no answer");
    return { status: 200, body };
  };
  const sets = new KeySets(OPTIONS, { ask, now: () => now, log: silent });
  const rings = new KeyRings(settings, { secrets: [SECRET], jwksUrl: URL_A }, sets, silent);
  verify = jwtVerifier(rings, { clockToleranceMs: 0 });
});

function token(
  key: CryptoKey | string,
  alg: string,
  more: { tenant?: string; kid?: string } = {},
): Promise<string> {
  const { tenant = "acme", kid } = more;
  return new SignJWT({ tenant })
    .setProtectedHeader(kid === undefined ? { alg } : { alg, kid })
    .setSubject("zoe")
    .setExpirationTime("1h")
    .sign(typeof key === "string" ? new TextEncoder().encode(key) : key);
}

async function refused(given: string, code = "unauthorized"): Promise<void> {
  await assert.rejects(verify(given), (error) => error instanceof PlexusError && error.code === code);
}

test("RS256, ES256 and EdDSA by a JWKS, with and without a kid", async () => {
  const pairs = await Promise.all([pair("RS256", "r"), pair("ES256", "e"), pair("EdDSA", "d")]);
  issuers.set(URL_A, { keys: pairs.map(({ jwk }) => jwk) });
  for (const { alg, privateKey, jwk } of pairs) {
    assert.equal((await verify(await token(privateKey, alg))).user, "zoe");
    assert.equal((await verify(await token(privateKey, alg, { kid: jwk.kid! }))).tenant, "acme");
    await refused(await token((await pair(alg)).privateKey, alg));
  }
  assert.deepEqual(asked, [URL_A]);
  await verify(await token(SECRET, "HS256"));
});

test("an algorithm that the key is not for is refused, and a public key is no secret", async () => {
  const rsa = await pair("RS256");
  issuers.set(URL_A, { keys: [rsa.jwk, { kty: "oct", k: Buffer.from("mine").toString("base64url") }] });
  const pss = await generateKeyPair("PS256", { extractable: true });
  issuers.set(URL_A, { keys: [rsa.jwk, await exportJWK(pss.publicKey)] });
  await refused(await token(pss.privateKey, "PS256"));
  await refused(await token((await generateKeyPair("ES384")).privateKey, "ES384"));
  await refused(await token(await exportSPKI(rsa.publicKey), "HS256"));
  await refused(await token(JSON.stringify(rsa.jwk), "HS256"));
  await refused(await token("mine".repeat(8), "HS256"));
  // Nobody goes to the issuer for what no public key can have signed.
  assert.deepEqual(asked, []);
});

test("keys for something else, too small ones, and what is no key are passed over; of a private key the public half is taken", async () => {
  const good = await pair("ES256");
  const encryption = await pair("ES256");
  const weak = { kty: "RSA", n: Buffer.alloc(128, 255).toString("base64url"), e: "AQAB" };
  const other = { ...encryption.jwk, use: "enc" };
  const noVerify = { ...encryption.jwk, key_ops: ["sign"] };
  const wrongAlg = { ...encryption.jwk, alg: "ES384" };
  const own = await exportJWK(good.privateKey);
  issuers.set(URL_A, { keys: [null, 7, weak, other, noVerify, wrongAlg, { kty: "EC", crv: "P-256" }, own] });
  await verify(await token(good.privateKey, "ES256"));
  await refused(await token(encryption.privateKey, "ES256"));
});

test("a tenant with keys of its own has no others, and they sign for nobody else", async () => {
  const own = await pair("EdDSA", "own");
  const url = "https://acme.example/jwks";
  const fetched = await pair("ES256", "f");
  const shared = await pair("ES256", "shared");
  issuers.set(url, { keys: [fetched.jwk] });
  issuers.set(URL_A, { keys: [shared.jwk] });
  const secret = "a secret that only acme has, of its own";
  settings.putTenant("acme", { keys: [{ kid: "s", secret }, { jwk: own.jwk }, { jwks: url }] });
  await verify(await token(secret, "HS256"));
  await verify(await token(secret, "HS256", { kid: "s" }));
  await refused(await token(secret, "HS256", { kid: "t" }));
  await verify(await token(own.privateKey, "EdDSA"));
  await verify(await token(fetched.privateKey, "ES256"));
  await refused(await token(SECRET, "HS256"));
  await refused(await token(shared.privateKey, "ES256"));
  for (const [key, alg] of [
    [secret, "HS256"],
    [own.privateKey, "EdDSA"],
    [fetched.privateKey, "ES256"],
  ] as const)
    await refused(await token(key, alg, { tenant: "globex" }));
  // And once they are taken away, the installation's count again, at once.
  settings.putTenant("acme", {});
  await refused(await token(secret, "HS256"));
  await verify(await token(SECRET, "HS256"));
});

test("rotation: a new key is accepted at once, a removed one until the keys are fetched again", async () => {
  const [old, fresh] = await Promise.all([pair("ES256", "1"), pair("ES256", "2")]);
  issuers.set(URL_A, { keys: [old.jwk] });
  const [byOld, byFresh] = [
    await token(old.privateKey, "ES256", { kid: "1" }),
    await token(fresh.privateKey, "ES256", { kid: "2" }),
  ];
  await verify(byOld);
  await refused(byFresh);
  assert.equal(asked.length, 1, "not again within the cool-down");
  now += OPTIONS.coolDownMs;
  issuers.set(URL_A, { keys: [old.jwk, fresh.jwk] });
  await verify(byFresh);
  assert.equal(asked.length, 2);
  issuers.set(URL_A, { keys: [fresh.jwk] });
  await verify(byOld);
  now += OPTIONS.maxAgeMs;
  await refused(byOld);
  await verify(byFresh);
});

test("rotation without names: a signature that no known key made has them fetched again", async () => {
  const [old, fresh] = await Promise.all([pair("EdDSA"), pair("EdDSA")]);
  issuers.set(URL_A, { keys: [old.jwk] });
  await verify(await token(old.privateKey, "EdDSA"));
  issuers.set(URL_A, { keys: [fresh.jwk] });
  now += OPTIONS.coolDownMs;
  await verify(await token(fresh.privateKey, "EdDSA"));
});

test("many at once for one set of keys: one fetch", async () => {
  const key = await pair("ES256", "1");
  issuers.set(URL_A, { keys: [key.jwk] });
  const given = await token(key.privateKey, "ES256");
  await Promise.all(Array.from({ length: 50 }, () => verify(given)));
  assert.equal(asked.length, 1);
});

test("an issuer that is away: unavailable with retry where no key is known, else the last keys for a time", async () => {
  const key = await pair("ES256", "1");
  const given = await token(key.privateKey, "ES256", { kid: "1" });
  await assert.rejects(verify(given), (error) => {
    assert.ok(error instanceof PlexusError);
    assert.equal(error.code, "unavailable");
    assert.ok(error.retry! > 0);
    return true;
  });
  await refused(given, "unavailable");
  assert.equal(asked.length, 1, "it is given a moment");
  await verify(await token(SECRET, "HS256"));
  now += OPTIONS.retryMs;
  issuers.set(URL_A, { keys: [key.jwk] });
  await verify(given);
  issuers.delete(URL_A);
  now += OPTIONS.maxAgeMs;
  await verify(given);
  await refused(await token((await pair("ES256")).privateKey, "ES256", { kid: "9" }), "unavailable");
  now += OPTIONS.keepMs;
  await refused(given, "unavailable");
});

test("what is no JWKS counts as no answer", async () => {
  const key = await pair("ES256");
  for (const body of [null, [], { keys: 7 }, { keys: Array.from({ length: 33 }, () => key.jwk) }]) {
    issuers.set(URL_A, body);
    await refused(await token(key.privateKey, "ES256"), "unavailable");
    now += OPTIONS.retryMs;
  }
});

test("so many sets of keys are held, and the one that was longest not asked for makes room", () => {
  const ask: AskJson = () => Promise.reject(new Error("not asked"));
  const sets = new KeySets(OPTIONS, { ask, now: () => 0, log: silent }, 2);
  const [a, b] = [sets.get("https://a.example"), sets.get("https://b.example")];
  assert.equal(sets.get("https://a.example"), a);
  sets.get("https://c.example");
  assert.equal(sets.get("https://a.example"), a);
  assert.notEqual(sets.get("https://b.example"), b);
});
