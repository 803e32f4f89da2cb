import assert from "node:assert/strict";
import { test } from "node:test";
import { clientAddress, isLoopback, LOOPBACK, networkOf, networks } from "./addresses.js";
import { ConfigError } from "./config.js";

const local = networks(LOOPBACK);

test("who connects without a proxy is counted as itself, whatever it says of itself", () => {
  assert.equal(clientAddress("203.0.113.9", "", local), "203.0.113.9");
  assert.equal(clientAddress("203.0.113.9", "198.51.100.1", local), "203.0.113.9");
  assert.equal(clientAddress("2001:db8::7", "127.0.0.1", local), "2001:db8::7");
});

test("behind a proxy it is the right-most address that is no proxy's", () => {
  assert.equal(clientAddress("127.0.0.1", "198.51.100.1", local), "198.51.100.1");
  assert.equal(clientAddress("127.0.0.1", "1.1.1.1, 198.51.100.1", local), "198.51.100.1");
  const chain = networks("127.0.0.1, 10.0.0.0/8, fd00::/8");
  assert.equal(clientAddress("10.1.2.3", "6.6.6.6, 198.51.100.1, fd00::5,10.9.9.9", chain), "198.51.100.1");
  assert.equal(clientAddress("127.0.0.1", "2001:db8::7", chain), "2001:db8::7");
  assert.equal(clientAddress("::ffff:127.0.0.1", "[2001:db8::7]:443", chain), "2001:db8::7");
  assert.equal(clientAddress("127.0.0.1", "198.51.100.1:5555", chain), "198.51.100.1");
});

test("nobody is named: by a proxy without the header, or on this machine", () => {
  assert.equal(clientAddress("127.0.0.1", "", local), null);
  assert.equal(clientAddress("::1", "", local), null);
  assert.equal(clientAddress("127.0.0.1", "127.0.0.1", local), null);
  assert.equal(clientAddress("10.0.0.1", "", networks("10.0.0.0/8")), null);
  assert.equal(clientAddress("127.0.0.1", "", networks("10.0.0.0/8")), null);
});

test("what is no address does not hide anybody", () => {
  assert.equal(clientAddress("127.0.0.1", "198.51.100.1, unknown", local), "127.0.0.1");
  assert.equal(clientAddress("127.0.0.1", "<script>", local), "127.0.0.1");
  assert.equal(clientAddress("127.0.0.1", `${"127.0.0.1,".repeat(10_000)}127.0.0.1`, local), null);
});

test("IPv6 is counted by its /64, however it is written", () => {
  for (const address of ["2001:db8:1:2::1", "2001:0db8:0001:0002:ffff::", "2001:db8:1:2:3:4:5.6.7.8"])
    assert.equal(networkOf(address), "2001:db8:1:2::/64");
  assert.notEqual(networkOf("2001:db8:1:3::1"), networkOf("2001:db8:1:2::1"));
  assert.equal(networkOf("::1"), "0:0:0:0::/64");
  assert.equal(networkOf("203.0.113.9"), "203.0.113.9");
});

test("loopback is loopback", () => {
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"])
    assert.ok(isLoopback(address), address);
  for (const address of ["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost", ""])
    assert.ok(!isLoopback(address), address);
});

test("a list of networks is checked", () => {
  for (const wrong of ["x", "10.0.0.0/33", "10.0.0.0/8/8", "::/129", "10.0.0.0/", "10.0.0.0/-1", "1.2.3"])
    assert.throws(() => networks(wrong), ConfigError, wrong);
  networks("");
});
