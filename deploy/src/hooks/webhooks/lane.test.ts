/** Lanes of webhooks that are closed while they wait, over real streams. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { encodeControl, logStream, subjects } from "@plexus/protocol";
import type { DirectoryStore, Webhook } from "@plexus/runtime";
import { natsForFile, silent, until } from "@plexus/runtime/testing";
import type { Delivery } from "./delivery.js";
import { Lane, type LaneSource } from "./lane.js";
import { Sources } from "./sources.js";
import { LiveState } from "./state.js";

const TENANT = "acme";
const CHANNEL = "chat.a";
const NEVER = new Promise<never>(() => undefined);

const bus = natsForFile();

test("a lane that waits for another one ends when both are closed, and brings nothing of them back", async () => {
  const manager = await jetstreamManager(bus.nats);
  for (const cell of ["eu-1", "us-1"])
    await manager.streams.add({ name: logStream(cell), subjects: [`log.${cell}.>`], allow_direct: true });
  const js = jetstream(bus.nats);
  for (let i = 0; i < 5; i++) await js.publish(subjects.log("eu-1", TENANT, CHANNEL), "anything");
  const segments = [{ cell: "eu-1", first: 1, last: 5, low: 1, high: 5 }];
  const open = { op: "open", ch: CHANNEL, epoch: "e", seq: 6, n: 0, from: "eu-1", segments } as const;
  await js.publish(subjects.log("us-1", TENANT, CHANNEL), encodeControl(open));

  const since = Date.now() - 3_600_000;
  const lanes = { "cell.eu-1": { since, seq: 3, part: 0 }, "cell.us-1": { since } };
  const found = { state: { since, delivered: 0, dead: 0, lanes }, revision: 1 };
  const state = new LiveState(
    found,
    async () => 2,
    () => undefined,
    silent,
  );
  const active = { current: { cells: [] } } as unknown as DirectoryStore;
  const sources = new Sources({
    nats: bus.nats,
    hub: js,
    directory: active,
    hubDomain: undefined,
    log: silent,
  });
  const runner = new AbortController();
  bus.atEnd(() => runner.abort());
  const start = (source: LaneSource) => {
    const webhook = () => ({ id: "w", events: ["published"] }) as unknown as Webhook;
    const bounds = { events: 1, bytes: 1_000, waitMs: 10 };
    const delivery = {} as Delivery;
    const context = { nats: bus.nats, tenant: TENANT, webhook, state, delivery, bounds, log: silent };
    return new Lane(source, { ...context, signal: runner.signal }, since);
  };
  // Its stream does not open: it stays where it is.
  const earlier = start({ ...sources.published(TENANT, "eu-1", () => undefined), open: () => NEVER });
  let turn: "none" | "waits" | "over" = "none";
  const published = sources.published(TENANT, "us-1", () => earlier);
  const later = start({
    ...published,
    inTurn: async (message, signal) => {
      turn = "waits";
      await published.inTurn!(message, signal);
      turn = "over";
    },
  });
  await until("it to wait for its turn", () => turn === "waits");

  for (const lane of [earlier, later]) lane.stop();
  for (const name of Object.keys(lanes)) state.forget(name);
  await until("its wait to end", () => turn === "over");
  assert.deepEqual(state.state.lanes, {});
  state.move("cell.eu-1", { waiting: 1 });
  state.restart("cell.eu-1", { since });
  assert.deepEqual(state.state.lanes, {}, "what was still under way");
  state.begin("cell.eu-1", 7);
  state.begin("cell.eu-1", 8);
  assert.deepEqual(state.lane("cell.eu-1"), { since: 7 });
});
