/** What an actor is told of a gateway's members, also when it could not be told for long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Member, PlexusError } from "@plexus/protocol";
import type { PresenceChange, Router } from "@plexus/runtime";
import { silent, until } from "@plexus/runtime/testing";
import { Announcer } from "./announcer.js";

function member(conn: string): Member {
  return { conn, user: "u", state: null, since: 1 };
}

test("how large a message is that names members is said, so that no more go with it than the bus takes", async () => {
  const said: Array<[change: PresenceChange, bytes: number]> = [];
  const router = {
    ask: async (_kind: string, _tenant: string, _channel: string, change: PresenceChange, bytes: number) =>
      void said.push([change, bytes]),
  };
  const context = { gateway: "g1", tenant: "t", channel: "chat.a", log: silent };
  const announcer = new Announcer({ ...context, router: router as unknown as Router });
  for (let i = 0; i < 100; i++) announcer.put({ ...member(`c${i}`), state: "x".repeat(4_000) });
  await until("all is said", () => announcer.settled);
  const [[change, bytes]] = said as [[PresenceChange, number]];
  assert.equal(change.put.length, 100);
  assert.ok(bytes > 400_000 && bytes < 500_000, `${bytes} bytes`);
});

test("those who come and go while the actor is away are not kept for it: it is told who is here", async () => {
  const told: PresenceChange[] = [];
  let isAway = true;
  const router = {
    ask: (_kind: string, _tenant: string, _channel: string, change: PresenceChange) => {
      told.push(change);
      return isAway ? Promise.reject(new PlexusError("unavailable", "away")) : Promise.resolve(null);
    },
  };
  const context = { gateway: "g1", tenant: "t", channel: "chat.a", log: silent };
  const announcer = new Announcer({ ...context, router: router as unknown as Router });
  announcer.put(member("stays"));
  await until("it can't be told", () => told.length === 1);
  for (let i = 0; i < 20_000; i++) {
    announcer.put(member(`c${i}`));
    announcer.remove(`c${i}`);
  }
  [isAway, told.length] = [false, 0];
  await until("all is said", () => announcer.settled);
  announcer.stop();
  assert.ok(told.length <= 12, `${told.length} messages`);
  assert.deepEqual(told.at(-1)?.all, ["stays"], "whoever else it knows has gone");
});
