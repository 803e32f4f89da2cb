/** What `npm start` waits for once all processes are up: the joins of cells, which are operations. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { activate, DirectoryStore, finish, withCell } from "@plexus/runtime";
import { natsForFile, silent } from "@plexus/runtime/testing";
import { untilSettled } from "./settled.js";

const OPERATION = "join-1";
/** Also what it takes to connect. */
const WITHIN_MS = 3_000;
const never = new AbortController().signal;
let directory: DirectoryStore;
const bus = natsForFile(async (running) => {
  directory = await DirectoryStore.open(running.nats, silent);
  running.atEnd(() => directory.stop());
});

test("a cell that joins is waited for until its operation is over", async () => {
  assert.equal(await untilSettled(bus.broker.url, never), undefined);
  await directory.change((current) => withCell(withCell(current, "eu-1", "eu"), "us-1", "us"));
  assert.equal(await untilSettled(bus.broker.url, never, { withinMs: WITHIN_MS }), "us-1: still joining");
  let settled = false;
  const waiting = untilSettled(bus.broker.url, never).then((what) => {
    settled = true;
    return what;
  });
  await directory.change((current) => activate(current, "us-1", OPERATION));
  assert.equal(
    await untilSettled(bus.broker.url, never, { withinMs: WITHIN_MS }),
    `operation ${OPERATION} is still under way`,
  );
  assert.equal(settled, false);
  await directory.change((current) => finish(current, OPERATION));
  assert.equal(await waiting, undefined);
});

test("a stop ends the wait", async () => {
  await directory.change((current) => withCell(current, "us-2", "us"));
  const stopping = new AbortController();
  const waiting = untilSettled(bus.broker.url, stopping.signal);
  stopping.abort();
  assert.ok((await waiting) !== undefined);
});
