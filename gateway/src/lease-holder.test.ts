/** When a gateway renews its leases: cells wait for it no longer than a lease once the bus is back. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { DirectoryStore, NatsConnection } from "@plexus/runtime";
import { silent, until } from "@plexus/runtime/testing";
import { LeaseHolder } from "./lease-holder.js";
import type { Relays } from "./relays.js";

test("it renews at once when the bus is back, and not only when it is time again", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const asked: string[] = [];
  const statuses = new PassThrough({ objectMode: true });
  const request = async (subject: string) => {
    asked.push(subject);
    return { string: () => "token" };
  };
  const holder = new LeaseHolder({
    nats: { request, status: () => statuses } as unknown as NatsConnection,
    directory: { current: { cells: [{ id: "eu-1" }, { id: "us-1" }] } } as unknown as DirectoryStore,
    relays: { all: () => [] } as unknown as Relays,
    gateway: "g1",
    log: silent,
  });
  t.after(() => holder.stop());
  assert.equal(asked.length, 2);
  statuses.write({ type: "disconnect" });
  statuses.write({ type: "reconnect" });
  await until("all leases to be renewed", () => asked.length === 4);
  assert.deepEqual(asked.slice(2), asked.slice(0, 2));
});
