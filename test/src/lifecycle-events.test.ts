/** Lifecycle events with real processes: what a backend that follows the stream is told, whatever dies meanwhile. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { untilQuick } from "@plexus/runtime/testing";
import { TestCluster } from "./harness/cluster.js";
import { LifecycleFollower, putTenant } from "./harness/lifecycle.js";
import { TENANT } from "./harness/tokens.js";
import { staysTrue, until } from "./harness/wait.js";

const GRACE_MS = 2_000;
const cluster = new TestCluster({
  hooks: true,
  gateways: 2,
  hooksEnv: { PLEXUS_VACATE_AFTER_MS: String(GRACE_MS), PLEXUS_GATEWAY_LEASE_MS: "5000" },
});
let follower: LifecycleFollower;

before(async () => {
  await cluster.start();
  await putTenant(cluster, TENANT, { events: ["connected", "occupied"] });
  follower = await LifecycleFollower.start(cluster, TENANT);
});
after(() => cluster.stop());

test("connections and subscriptions come and go, and a channel is occupied once and vacated once", async () => {
  const ch = "chat.plain";
  const alice = await cluster.connect("alice", { gateway: "g1" });
  const bob = await cluster.connect("bob", { gateway: "g2" });
  await alice.sub(ch);
  await until("occupied", () => follower.of("occupied", { ch }).length === 1);
  await bob.sub(ch);
  await alice.ok({ op: "unsub", ch });
  await bob.close();
  await until("vacated", () => follower.of("vacated", { ch }).length === 1);
  await alice.close();
  await until("the end", () => follower.of("disconnected", { conn: alice.conn }).length === 1);
  assert.deepEqual(follower.kinds(ch).toSorted(), [
    "occupied",
    "subscribed",
    "subscribed",
    "unsubscribed",
    "unsubscribed",
    "vacated",
  ]);
  const [connected] = follower.of("connected", { conn: alice.conn });
  assert.deepEqual([connected?.user, connected?.gateway, connected?.tenant], ["alice", "g1", TENANT]);
  assert.equal(typeof follower.of("disconnected", { conn: bob.conn })[0]?.code, "number");
  assert.deepEqual(follower.twice(), []);
});

test("a page that is loaded again vacates nothing", () =>
  untilQuick("a page to be back within the grace", async (attempt) => {
    const ch = `chat.reload-${attempt}`;
    const page = await cluster.connect("carol");
    await page.sub(ch);
    await until("occupied", () => follower.of("occupied", { ch }).length === 1);
    for (let i = 0; i < 3; i++) {
      const before = await cluster.connect("carol");
      await before.sub(ch);
      await before.close();
    }
    const leftAt = performance.now();
    await page.close();
    const again = await cluster.connect("carol");
    await again.sub(ch);
    if (performance.now() - leftAt >= GRACE_MS) return false;
    assert.ok(await staysTrue(() => follower.of("vacated", { ch }).length === 0, GRACE_MS * 2));
    await again.close();
    await until("vacated", () => follower.of("vacated", { ch }).length === 1);
    assert.equal(follower.of("occupied", { ch }).length, 1);
    return true;
  }));

test("tenants that asked for nothing leave no trace", async () => {
  const other = await LifecycleFollower.start(cluster, "quiet");
  const dave = await cluster.connect("dave", { tenant: "quiet" });
  await dave.sub("chat.quiet");
  const erin = await cluster.connect("erin");
  await until("another tenant's event", () => follower.of("connected", { conn: erin.conn }).length === 1);
  assert.deepEqual(other.events, []);
  // From now on they do: what is there already is told as if it came now.
  await putTenant(cluster, "quiet", { events: ["subscribed"] });
  await until("what is there already", () => other.of("occupied", { ch: "chat.quiet" }).length === 1);
  assert.equal(other.of("connected", { conn: dave.conn }).length, 1);
  assert.equal(other.of("subscribed", { ch: "chat.quiet", user: "dave" }).length, 1);
  await putTenant(cluster, "quiet", null);
});

test("a gateway that is killed takes leave of all that it held, once, even if the keeper dies meanwhile", async () => {
  const shared = await cluster.connect("shared", { gateway: "g2" });
  const own = "chat.killed-own";
  const both = "chat.killed-both";
  await shared.sub(both);
  const lost: string[] = [];
  for (let i = 0; i < 20; i++) {
    const client = await cluster.connect(`lost-${i}`, { gateway: "g1" });
    await client.sub(own);
    await client.sub(both);
    lost.push(client.conn);
  }
  await until("all to be told", () => follower.of("subscribed", { ch: own }).length === 20);
  cluster.process("g1").kill("SIGKILL");
  await until("the first good-bye", () => follower.of("unsubscribed", { ch: own }).length > 0);
  cluster.process("hooks").kill("SIGKILL");
  await until("vacated", () => follower.of("vacated", { ch: own }).length === 1, 60_000);
  await until("the last good-bye", () =>
    lost.every((conn) => follower.of("disconnected", { conn }).length > 0),
  );
  for (const conn of lost) {
    assert.equal(follower.of("disconnected", { conn }).length, 1);
    for (const ch of [own, both]) assert.equal(follower.of("unsubscribed", { conn, ch }).length, 1);
  }
  assert.equal(follower.of("vacated", { ch: both }).length, 0);
  await shared.close();
  await until("the shared one", () => follower.of("vacated", { ch: both }).length === 1, 40_000);
  assert.equal(follower.of("occupied", { ch: own }).length, 1);
  assert.deepEqual(follower.twice(), []);
});
