/** What a gateway writes while the bus takes nothing for longer than it can keep, and once it is given up. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { LIFECYCLE_STREAM, type RosterPart, Settings, subscribe } from "@plexus/runtime";
import { natsForFile, silent, until } from "@plexus/runtime/testing";
import type { Identity } from "../auth/identity.js";
import { Connection, type Socket, type Subscription } from "../connection.js";
import { Lifecycle } from "./lifecycle.js";

const bus = natsForFile();
let connections: Set<Connection>;

beforeEach(() => {
  connections = new Set();
});

function connected(lifecycle: Lifecycle, id: string): Connection {
  const connection = new Connection(id, "json", 0);
  connection.attach({} as unknown as Socket);
  connection.identify({ user: `user of ${id}`, tenant: "acme" } as unknown as Identity);
  connections.add(connection);
  lifecycle.connected(connection);
  return connection;
}

function subscribed(lifecycle: Lifecycle, connection: Connection, channel: string): void {
  const subscription = { channel, number: 0 } as unknown as Subscription;
  connection.subscriptions.set(channel, subscription);
  lifecycle.subscribed(connection, subscription);
}

function lifecycle(instance: string, buffer: number): Lifecycle {
  const settings = new Settings();
  settings.putTenant("acme", { events: ["occupied"] });
  const all = { all: () => connections };
  return new Lifecycle({
    nats: bus.nats,
    settings,
    connections: all,
    instance,
    buffer,
    rosterMs: 3_600_000,
    log: silent,
  });
}

async function makeStream(): Promise<void> {
  const manager = await jetstreamManager(bus.nats);
  const subjects = ["life.>", "roster.>", "ended.*"];
  await manager.streams.delete(LIFECYCLE_STREAM).catch(() => false);
  await manager.streams.add({ name: LIFECYCLE_STREAM, subjects });
}

/** Everything that the stream holds, as [subject, entry]. */
async function stored<T = Record<string, unknown>>(filter: string): Promise<T[]> {
  const manager = await jetstreamManager(bus.nats);
  const { state } = await manager.streams.info(LIFECYCLE_STREAM, { subjects_filter: filter });
  const count = Object.values(state.subjects ?? {}).reduce((sum, n) => sum + n, 0);
  const consumer = await jetstream(bus.nats).consumers.get(LIFECYCLE_STREAM, { filter_subjects: filter });
  const found: T[] = [];
  if (count === 0) return found;
  for await (const message of await consumer.fetch({ max_messages: count, expires: 2_000 }))
    found.push(message.json<T>());
  return found;
}

test("what does not fit is given up, the oldest first, and a roster follows that shows what there is", async () => {
  const events = lifecycle("g1-aaaa", 4);
  const first = connected(events, "g1-aaaa-1");
  for (let i = 0; i < 6; i++) subscribed(events, first, `chat.${i}`);
  await makeStream();
  const rosters = await until("a roster of it all", async () => {
    const found = await stored<RosterPart>("roster.>");
    return found.some(({ conns }) => conns.length > 0) ? found : undefined;
  });
  const kept = await stored<{ ch: string }>("life.>");
  assert.deepEqual(
    kept.map(({ ch }) => ch),
    ["chat.2", "chat.3", "chat.4", "chat.5"],
  );
  assert.deepEqual([rosters[0]?.first, rosters[0]?.conns], [true, []]);
  const last = rosters.at(-1)!;
  assert.deepEqual([last.first, last.last, last.source], [false, true, "g1-aaaa_0"]);
  const subscriptions = [0, 1, 2, 3, 4, 5].map((i) => [i + 1, `chat.${i}`]);
  assert.deepEqual(last.conns, [["g1-aaaa-1", "user of g1-aaaa-1", subscriptions]]);
  await events.stop();
});

test("a gateway that was given up goes on as another source, whoever tells it and however often", async () => {
  await makeStream();
  const keepers = [1, 2].map(() =>
    subscribe(bus.nats, "alive.gateway", silent, (message) => {
      const { source } = message.json<{ source: string }>();
      if (source === "g1-bbbb_0") message.respond(JSON.stringify({ source, ended: true }));
    }),
  );
  const events = lifecycle("g1-bbbb", 100);
  connected(events, "g1-bbbb-1");
  const rosters = await until("the new life's roster", async () => {
    const found = await stored<RosterPart>("roster.g1-bbbb_1.acme");
    return found.length > 0 ? found : undefined;
  });
  assert.deepEqual([rosters.length, rosters[0]?.first, rosters[0]?.conns.length], [1, true, 1]);
  connected(events, "g1-bbbb-2");
  const told = await until("an event of the new life", async () => {
    const found = await stored<{ id: string; source: string }>("life.>");
    return found.find(({ id }) => id === "g1-bbbb-2_1.connected");
  });
  assert.equal(told.source, "g1-bbbb_1");
  for (const keeper of keepers) keeper.unsubscribe();
  await events.stop();
});
