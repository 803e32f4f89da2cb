import assert from "node:assert/strict";
import { test } from "node:test";
import { Addresses } from "./addresses.js";

const UNBOUND = { connections: 0, rate: { perSecond: 0, burst: 1 } };

test("an address has so many connections, and gets further ones as some are closed", () => {
  const addresses = new Addresses({ ...UNBOUND, connections: 2 });
  const connect = (address: string) => {
    const refusal = addresses.refusal(address, 0);
    if (refusal === null) addresses.opened(address);
    return refusal?.reason ?? "open";
  };
  assert.deepEqual(["a", "a", "a", "b"].map(connect), ["open", "open", "address_connections", "open"]);
  addresses.closed("a");
  assert.equal(connect("a"), "open");
  assert.equal(connect("a"), "address_connections");
  for (const address of ["a", "a", "b"]) addresses.closed(address);
  assert.deepEqual(addresses.size, { open: 0, paces: 0 });
});

test("connections come at a pace, with a burst, and whoever is refused is told when to come again", () => {
  const addresses = new Addresses({ connections: 0, rate: { perSecond: 10, burst: 3 } });
  const at = (now: number) => addresses.refusal("a", now);
  assert.deepEqual([at(0), at(0), at(0)], [null, null, null]);
  assert.deepEqual(at(0), { reason: "address_rate", retryMs: 100 });
  assert.equal(addresses.refusal("b", 0), null);
  assert.equal(at(100), null);
  assert.equal(at(100)?.reason, "address_rate");
});

test("who has too many open does not use up the pace", () => {
  const addresses = new Addresses({ connections: 1, rate: { perSecond: 1, burst: 2 } });
  addresses.refusal("a", 0);
  addresses.opened("a");
  for (let i = 0; i < 10; i++) assert.equal(addresses.refusal("a", 0)?.reason, "address_connections");
  addresses.closed("a");
  assert.equal(addresses.refusal("a", 0), null);
});

test("a /64 of IPv6 is one address", () => {
  const addresses = new Addresses({ ...UNBOUND, connections: 1 });
  addresses.opened("2001:db8::1");
  assert.equal(addresses.refusal("2001:db8::2", 0)?.reason, "address_connections");
  assert.equal(addresses.refusal("2001:db8:0:1::2", 0), null);
  addresses.closed("2001:db8::1");
  assert.equal(addresses.size.open, 0);
});

test("nobody's address is not counted", () => {
  const addresses = new Addresses({ connections: 1, rate: { perSecond: 1, burst: 1 } });
  for (let i = 0; i < 10; i++) {
    assert.equal(addresses.refusal(null, 0), null);
    addresses.opened(null);
  }
  addresses.closed(null);
  assert.deepEqual(addresses.size, { open: 0, paces: 0 });
});

test("a flood from a million addresses is remembered to a bound, and the newest are", () => {
  const addresses = new Addresses({ connections: 1, rate: { perSecond: 1, burst: 1 } });
  for (let i = 0; i < 150_000; i++) addresses.refusal(`${i}`, 0);
  assert.equal(addresses.size.paces, 100_000);
  assert.equal(addresses.refusal("149999", 0)?.reason, "address_rate");
  assert.equal(addresses.refusal("0", 0), null);
});
