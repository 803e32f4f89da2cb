/** The pure parts of webhooks: addresses, verdicts, what entries mean, batches. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeControl, encodeRecord, joinFragments, messageFragment } from "@plexus/protocol";
import fc from "fast-check";
import { isPublicAddress } from "./addresses.js";
import { batches, type Item } from "./batch.js";
import { earlierSegments, lifecycleItems, recordItems } from "./items.js";
import { signature } from "./sign.js";
import { outcomeOf, verdictOn } from "./verdict.js";

test("only addresses of the public internet are public", () => {
  for (const address of ["8.8.8.8", "1.1.1.1", "193.0.6.139", "2606:4700::1111", "2a00:1450:4001::200e"])
    assert.equal(isPublicAddress(address), true, address);
  const hidden = [
    ...[
      "127.0.0.1",
      "127.8.8.8",
      "10.1.2.3",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "169.254.169.254",
    ],
    ...["0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "localhost", "", "1.1.1"],
    ...[
      "::1",
      "::",
      "fe80::1",
      "fe80::1%eth0",
      "fc00::1",
      "fd12::1",
      "ff02::1",
      "::ffff:127.0.0.1",
      "::ffff:8.8.8.8",
    ],
    ...["64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1"],
  ];
  for (const address of hidden) assert.equal(isPublicAddress(address), false, address);
});

const POLICY = { retryFirstMs: 100, retryMaxMs: 1_000, attempts: 5, refusals: 2, giveUpAfterMs: 10_000 };

test("an answer decides what becomes of a batch", () => {
  const tries = (all: number, failed = 0, refused = 0) => ({ all, failed, refused });
  const verdict = (status: number, of = tries(1)) => verdictOn({ status }, of, 0, POLICY, () => 1).next;
  assert.deepEqual(
    [200, 204, 299].map((status) => verdict(status)),
    ["delivered", "delivered", "delivered"],
  );
  for (const status of [301, 400, 401, 404, 410]) {
    assert.equal(verdict(status, tries(1, 0, 1)), "retry", String(status));
    assert.equal(verdict(status, tries(2, 0, 2)), "dead", String(status));
  }
  for (const status of [500, 503, 408, 429]) {
    assert.equal(verdict(status, tries(4, 4)), "retry", String(status));
    assert.equal(verdict(status, tries(5, 5)), "dead", String(status));
  }
  const away = { problem: "unreachable", message: "" } as const;
  assert.equal(verdictOn(away, tries(1_000), 9_999, POLICY).next, "retry");
  assert.equal(verdictOn(away, tries(1), 10_000, POLICY).next, "dead");
  assert.equal(outcomeOf({ problem: "no_answer", message: "" }), "failed");
  assert.equal(outcomeOf({ problem: "forbidden_target", message: "" }), "refused");
  const waits = [1, 2, 3, 4, 9].map((all) => verdictOn({ status: 500 }, tries(all), 0, POLICY, () => 1));
  assert.deepEqual(
    waits.map((wait) => (wait.next === "retry" ? wait.inMs : 0)),
    [100, 200, 400, 800, 1_000],
  );
});

const fragments = (n: number) =>
  Array.from({ length: n }, (_, i) => messageFragment(`m${i}`, '"u"', '"c"', `${i}`));
const record = (n: number) => ({
  seq: 7,
  subject: "log.eu-1.demo.chat.a",
  bytes: encodeRecord("chat.a", "e", 10, [joinFragments(fragments(n))], 1_000),
  ts: 1_000,
});

test("a record is so many events, of which those are left that are not dealt with", () => {
  const all = recordItems({ events: ["published"] }, record(3), 0);
  assert.deepEqual(
    all.map(({ after }) => after),
    [
      { seq: 6, part: 1 },
      { seq: 6, part: 2 },
      { seq: 7, part: 0 },
    ],
  );
  assert.deepEqual(JSON.parse(all[1]!.json!), {
    id: "demo/chat.a@e.11",
    kind: "published",
    tenant: "demo",
    ts: 1_000,
    ch: "chat.a",
    epoch: "e",
    seq: 11,
    mid: "m1",
    user: "u",
    conn: "c",
    data: 1,
  });
  assert.deepEqual(recordItems({ events: ["published"] }, record(3), 2), all.slice(2));
  const nothing = [{ json: null, ts: 1_000, after: { seq: 7, part: 0 } }];
  assert.deepEqual(recordItems({ events: ["published"], channels: ["room.>"] }, record(3), 0), nothing);
});

test("records of the log's own are no events; one that opens a channel says where it was", () => {
  const segments = [{ cell: "us-1", first: 1, last: 9, low: 2, high: 31 }];
  const head = { ch: "chat.a", epoch: "e", seq: 10, n: 0 };
  const bytes = encodeControl({ op: "open", ...head, from: "us-1", segments });
  assert.equal(recordItems({ events: ["published"] }, { ...record(1), bytes }, 0)[0]!.json, null);
  assert.deepEqual(earlierSegments(bytes, "eu-1"), segments);
  assert.deepEqual(earlierSegments(bytes, "us-1"), []);
  assert.deepEqual(earlierSegments(record(1).bytes, "eu-1"), []);
});

test("events of connections always go, those of channels by pattern", () => {
  const json = (kind: string, ch?: string) => JSON.stringify({ id: "1", kind, tenant: "t", ts: 5, ch });
  const wanted = { events: ["connected", "occupied"] as const, channels: ["chat.*"] };
  const goes = (text: string) =>
    lifecycleItems({ ...wanted, events: [...wanted.events] }, 3, text)[0]!.json !== null;
  assert.deepEqual(
    [
      json("connected"),
      json("occupied", "chat.a"),
      json("occupied", "room.a"),
      json("vacated", "chat.a"),
    ].map(goes),
    [true, true, false, false],
  );
});

test("whatever comes goes into batches within their bounds, whole and in order", async () => {
  const sizes = fc.array(fc.option(fc.integer({ min: 2, max: 40 })), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sizes, async (all) => {
      const items = all.map(
        (size, i): Item => ({
          json: size === null ? null : "x".repeat(size),
          ts: i,
          after: { seq: i, part: 0 },
        }),
      );
      const stream = (async function* () {
        yield* items;
      })();
      const found = [];
      for await (const batch of batches(stream, { events: 4, bytes: 60, waitMs: 1_000 })) found.push(batch);
      assert.deepEqual(
        found.flatMap((batch) => batch.items),
        items.filter(({ json }) => json !== null),
      );
      for (const batch of found) {
        assert.ok(batch.items.length <= 4);
        assert.ok(batch.items.reduce((sum, { json }) => sum + json.length, 0) <= 60);
      }
      if (items.length > 0) assert.deepEqual(found.at(-1)!.after, items.at(-1)!.after);
    }),
  );
});

test("a signature is what anybody computes with OpenSSL", () => {
  // printf '1767225600.{}' | openssl dgst -sha256 -hmac secret
  const hex = "fa7eaa06bf97d7815f3f456e97cde70c9e50cb005f01660c8d10b10c21964887";
  assert.equal(signature("secret", "1767225600", "{}"), `v1=${hex}`);
});
