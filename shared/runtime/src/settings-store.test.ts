/** Settings in a real NATS server: changed by compare-and-set, checked before, seen by everybody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { SettingsStore } from "./settings-store.js";
import { natsForEachTest, silent, until } from "./testing/index.js";

const bus = natsForEachTest();

/** A store as a process of its own has it. */
async function open(): Promise<SettingsStore> {
  const store = await SettingsStore.open(await bus.connect(), silent);
  bus.atEnd(() => store.stop());
  return store;
}

const refusedAs = (code: string, message?: RegExp) => (error: unknown) =>
  error instanceof PlexusError && error.code === code && (message?.test(error.message) ?? true);

const connectionsOf = (store: SettingsStore, tenant = "acme") =>
  store.settings.tenant(tenant).quotas.connections;

test("a change is in force at once where it was made, and soon everywhere; a late process reads it", async () => {
  const [one, two] = [await open(), await open()];
  assert.deepEqual(await one.tenant("acme"), { value: undefined, revision: 0 });
  const put = await one.changeTenant("acme", () => ({ quotas: { connections: 5 } }));
  assert.ok(put.revision > 0);
  assert.equal(connectionsOf(one), 5);
  await until("the other one to hear of it", () => connectionsOf(two) === 5);
  await two.changeInstallation(() => ({ unlistedTenants: "refuse" }));
  await until("the installation's to come", () => !one.settings.tenant("other").admitted);
  const late = await open();
  assert.equal(connectionsOf(late), 5);
  assert.deepEqual(await late.tenant("acme"), put);
});

test("what is wrong is refused with the field's name, and changes nothing", async () => {
  const store = await open();
  const { revision } = await store.changeTenant("acme", () => ({ quotas: { connections: 5 } }));
  for (const [wrong, field] of [
    [{ quotas: { connections: 0 } }, /tenant acme: quotas\.connections/],
    [{ quotas: { conections: 1 } }, /tenant acme: quotas: .*conections/],
    [[], /tenant acme: /],
    [{ namespaces: { "a.b": {} } }, /namespaces\.a\.b/],
  ] as const)
    await assert.rejects(
      store.changeTenant("acme", () => wrong),
      refusedAs("bad_request", field),
    );
  const large = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`n${i}`.padEnd(64, "x"), FULL]));
  await assert.rejects(
    store.changeTenant("acme", () => ({ namespaces: large, events: Array(4_000).fill("connected") })),
    refusedAs("too_large"),
  );
  await assert.rejects(async () => store.changeTenant("A b", () => ({})), refusedAs("bad_request"));
  assert.deepEqual(await store.tenant("acme"), { value: { quotas: { connections: 5 } }, revision });
});

const FULL = { presence: true, maxMessageBytes: 1_000, retention: { messages: 1_000, ageMs: 100_000 } };

test("whoever changes what somebody else has changed is told so, or begins again from that", async () => {
  const [one, two] = [await open(), await open()];
  const first = await one.changeTenant("acme", () => ({}), 0);
  await assert.rejects(
    two.changeTenant("acme", () => ({}), 0),
    refusedAs("conflict"),
  );
  await two.changeTenant("acme", () => ({ quotas: { connections: 7 } }), first.revision);
  await assert.rejects(
    one.changeTenant("acme", () => ({}), first.revision),
    refusedAs("conflict"),
  );
  await assert.rejects(one.removeTenant("acme", first.revision), refusedAs("conflict"));
  assert.equal(connectionsOf(one), 7);
  const grow = (store: SettingsStore) =>
    store.changeTenant("acme", (stored) => {
      const { connections } = stored!.quotas as { connections: number };
      return { quotas: { connections: connections + 1 } };
    });
  await Promise.all(Array.from({ length: 8 }, (_, i) => grow(i % 2 === 0 ? one : two)));
  assert.deepEqual((await one.tenant("acme")).value, { quotas: { connections: 15 } });
});

test("a tenant that is removed is forgotten everywhere, and may come again", async () => {
  const [one, two] = [await open(), await open()];
  await assert.rejects(one.removeTenant("acme"), refusedAs("not_found"));
  await one.changeTenant("acme", () => ({ suspended: true }));
  await until("the other one to hear of it", () => !two.settings.tenant("acme").admitted);
  await one.removeTenant("acme");
  assert.equal(one.settings.tenant("acme").listed, false);
  await until("the other one to forget it", () => !two.settings.tenant("acme").listed);
  assert.deepEqual(await two.tenant("acme"), { value: undefined, revision: 0 });
  await two.changeTenant("acme", () => ({ quotas: { connections: 3 } }), 0);
  await until("it to be back", () => connectionsOf(one) === 3);
});
