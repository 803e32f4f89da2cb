/** The list of revoked tokens in a real NATS server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { RevocationStore } from "./revocation-store.js";
import { natsForEachTest, silent, until } from "./testing/index.js";

const bus = natsForEachTest();
const TENANT = "acme";

async function open(cleans: boolean): Promise<RevocationStore> {
  const store = await RevocationStore.open(await bus.connect(), silent, { cleans });
  bus.atEnd(() => store.stop());
  return store;
}

test("what is over is removed, but for what was revoked anew while that went on", async ({ mock }) => {
  mock.timers.enable({ apis: ["setInterval"] });
  const admin = await open(true);
  const users = Array.from({ length: 50 }, (_, i) => `u${i}`);
  const last = users.at(-1)!;
  const revoke = (user: string, until: number) =>
    admin.add({ tenant: TENANT, user, before: Date.now(), until });
  const over = Date.now() + 200;
  for (const user of users) await revoke(user, over);
  await until("all to be over", () => Date.now() > over);
  mock.timers.tick(60_000);
  // The others come before it, one round trip after the other.
  await revoke(last, Date.now() + 60_000);
  const kv = await new Kvm(jetstream(bus.nats)).open("revocations");
  await until("the others to be removed", async () => (await kv.status()).values === 1);
  const gateway = await open(false);
  const token = (user: string) => ({ tenant: TENANT, user, issuedAt: 1 });
  assert.equal(gateway.list.isRevoked(token(last)), true, "also for a gateway that starts later");
  assert.equal(gateway.list.isRevoked(token(users[0]!)), false);
});
