/** What the gateway ends: a subscription, or only its part in presence. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { Channel, Plexus } from "./index.js";
import { PlexusError } from "./index.js";
import { connect, type Peer, type ScriptedGateway, startGateway, until } from "./testing/scripted-gateway.js";

const FORBIDDEN = { op: "ended", ch: "chat.a", code: "forbidden", message: "not any more" } as const;

let gateway: ScriptedGateway;
let client: Plexus;
let channel: Channel;
let peer: Peer;

beforeEach(async () => {
  gateway = await startGateway();
  client = gateway.client();
  channel = client.channel("chat.a");
  peer = await connect(gateway, client);
});
afterEach(() => gateway.stop());

async function subscribed(presence = false): Promise<void> {
  const members = [{ conn: "b1", user: "b", state: null, since: 1 }];
  const subscribing = channel.subscribe({ presence });
  await peer.sub(presence ? { members } : {});
  await subscribing;
}

test("an ended subscription fails with the reason: loops end, nothing more comes, and it is asked for no more", async () => {
  await subscribed();
  const got: number[] = [];
  channel.on("message", ({ seq }) => got.push(seq));
  const loop = assert.rejects(
    async () => {
      for await (const _ of channel) got.push(0);
    },
    { code: "forbidden" },
  );
  peer.send(FORBIDDEN);
  await until(() => channel.state.name === "failed", "the end");
  const { state } = channel;
  assert.ok(state.name === "failed" && state.error instanceof PlexusError);
  assert.deepEqual([state.error.code, state.error.message], ["forbidden", "not any more"]);
  await loop;
  peer.messages(1, "unseen");
  peer.kill();
  const next = await gateway.accept();
  await next.welcome();
  await until(() => client.state.name === "connected", "another connection");
  assert.deepEqual(got, []);
  const again = channel.subscribe();
  assert.equal((await next.sub()).ch, "chat.a");
  await again;
  assert.equal(next.pending().length, 0);
});

test("presence alone ends: the list is emptied and said to have ended; messages go on", async () => {
  await subscribed(true);
  assert.equal(channel.presence.count, 1);
  const ended: PlexusError[] = [];
  channel.presence.on("ended", (error) => ended.push(error));
  peer.send({ ...FORBIDDEN, only: "presence" });
  peer.messages(1, "seen");
  await new Promise((resolve) => channel.once("message", resolve));
  assert.deepEqual([ended.map(({ code }) => code), channel.presence.count], [["forbidden"], 0]);
  assert.equal(channel.presence.isLive, false);
  assert.equal(channel.state.name, "subscribed");
  await assert.rejects(channel.setState({}), { code: "not_subscribed" });
  peer.kill();
  const next = await gateway.accept();
  await next.welcome();
  const frame = await next.sub();
  assert.deepEqual([frame.presence, frame.since?.seq], [undefined, 1]);
});
