/** The catalogue of errors and close codes: contracts, so the values are spelt out here once more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSES, ERRORS, type ErrorEntry, isErrorCode, isResumable, PlexusError } from "./errors.js";

/** The protocol allows a close frame so many bytes of reason. */
const MAX_REASON_BYTES = 123;

test("every error of the protocol is in the catalogue", () => {
  const promised = [
    "bad_request",
    "unauthorized",
    "token_expired",
    "forbidden",
    "not_subscribed",
    "too_large",
    "rate_limited",
    "limit_reached",
    "unavailable",
    "timeout",
    "internal",
  ];
  for (const code of promised) assert.ok(isErrorCode(code), code);
});

test("every entry has a status of an error and a sentence; what is the server's fault may be tried again", () => {
  for (const [code, { status, retryable, meaning }] of Object.entries<ErrorEntry>(ERRORS)) {
    assert.ok(status >= 400 && status <= 599, code);
    assert.match(meaning, /\.$/, code);
    if (status >= 500) assert.ok(retryable, code);
  }
});

test("only codes of the catalogue are error codes", () => {
  for (const other of ["moved", "", "toString", "__proto__", "constructor", 400, null, undefined, {}])
    assert.equal(isErrorCode(other), false, String(other));
});

test("close codes stay what they are", () => {
  const codes = Object.fromEntries(Object.entries(CLOSES).map(([name, { code }]) => [name, code]));
  for (const [name, code] of Object.entries(GOLDEN_CLOSES)) assert.equal(codes[name], code, name);
});

const GOLDEN_CLOSES = {
  draining: 4000,
  slow_reader: 4001,
  gateway_error: 4002,
  recovery_failed: 4003,
  hello_timeout: 4004,
  bad_request: 4500,
  unauthorized: 4501,
  token_expired: 4502,
  rate_limited: 4503,
};

test("close codes are unique, in the range for applications, and say by their range whether to resume", () => {
  const codes = Object.values(CLOSES).map(({ code }) => code as number);
  assert.equal(new Set(codes).size, codes.length);
  for (const code of codes) assert.ok(code >= 4000 && code <= 4999);
  const final = ["bad_request", "unauthorized", "token_expired", "rate_limited"];
  for (const [name, { code }] of Object.entries(CLOSES))
    assert.equal(isResumable(code), !final.includes(name) && code < 4500, name);
});

test("a connection that ends without one of our codes is resumable", () => {
  for (const code of [1000, 1001, 1005, 1006, 1009, 1011, 1012, 4000, 4499]) assert.ok(isResumable(code));
  for (const code of [4500, 4501, 4999]) assert.equal(isResumable(code), false);
});

test("reasons fit a close frame", () => {
  for (const [name, { reason, meaning }] of Object.entries(CLOSES)) {
    assert.ok(Buffer.byteLength(reason) > 0 && Buffer.byteLength(reason) <= MAX_REASON_BYTES, name);
    assert.match(meaning, /\.$/, name);
  }
});

test("a PlexusError carries its code, when to try again, and its cause inside", () => {
  const cause = new Error("within");
  const error = new PlexusError("unavailable", "away", { retry: 500, cause });
  assert.deepEqual(
    [error.code, error.message, error.retry, error.cause],
    ["unavailable", "away", 500, cause],
  );
  assert.ok(error instanceof Error);
  const plain = new PlexusError("internal", "defect");
  assert.equal(plain.retry, undefined);
  assert.equal("cause" in plain, false);
});
