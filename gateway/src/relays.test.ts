/** Which relay a channel has: made for its first subscriber, put away some time after the last. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type Commands, EMPTY_DIRECTORY, Settings } from "@plexus/runtime";
import { deferred, silent } from "@plexus/runtime/testing";
import type { RelayContext } from "./relay-context.js";
import { Relays } from "./relays.js";
import { recordOf } from "./testing/model-channel.js";

type Head = Commands["head"]["answer"];

/** Longer than a relay that nobody needs stays, and shorter than a question to the actor may take. */
const PUT_AWAY_MS = 8_000;

/** Questions where a channel stands, to be answered by the test. */
let asked: Array<{ answer: (head: Head) => void; fail: () => void }>;
let onEvent: (bytes: Uint8Array) => void;
let reconnect: () => void;

function newRelays(): Relays {
  asked = [];
  const reconnected = new Promise<{ type: string }>((resolve) => {
    reconnect = () => resolve({ type: "reconnect" });
  });
  const ask = () => {
    const { promise, resolve, reject } = deferred<Head>();
    asked.push({ answer: resolve, fail: () => reject(new Error("no answer in time")) });
    return promise;
  };
  const nats = {
    subscribe: (_subject: string, { callback }: { callback: (error: null, message: object) => void }) => {
      onEvent = (data) => callback(null, { data });
      return { unsubscribe: () => undefined };
    },
    status: async function* () {
      yield await reconnected;
    },
  };
  const context = {
    nats,
    router: { ask },
    fanOut: { publish: () => 0 },
    tenants: { delivered: () => undefined },
    directory: { current: EMPTY_DIRECTORY },
    gateway: "g1",
    settings: new Settings(),
    tracer: { active: false },
    log: silent,
  };
  return new Relays(context as unknown as RelayContext, 10);
}

test("a relay that fails to open after it was put away does not take the next one along", async () => {
  let now = 0;
  mock.timers.enable({ apis: ["setInterval"] });
  mock.method(performance, "now", () => now);
  const relays = newRelays();
  try {
    const first = relays.acquire("t", "chat.a");
    const failed = assert.rejects(first.opened);
    relays.release(first);
    for (; now < PUT_AWAY_MS; now += 250) mock.timers.tick(250);
    assert.equal(relays.find("t", "chat.a"), undefined, "nobody waits for it");
    const second = relays.acquire("t", "chat.a");
    asked[1]!.answer({ head: { epoch: "e", seq: 3 }, presence: null, members: 0 });
    await second.opened;
    asked[0]!.fail();
    await failed;
    assert.equal(relays.find("t", "chat.a"), second);
  } finally {
    relays.stop();
    mock.restoreAll();
    mock.timers.reset();
  }
});

test("a channel that is never quiet is compared as often as any other, and soon after a reconnect", async () => {
  let now = 0;
  let seq = 3;
  mock.timers.enable({ apis: ["setInterval"] });
  mock.method(performance, "now", () => now);
  const relays = newRelays();
  /** How often it is compared in so long, with a record every 50 ms. */
  const comparisons = async (ms: number) => {
    let compared = 0;
    for (const end = now + ms; now < end; now += 50) {
      onEvent(recordOf("e", ++seq, 1));
      if (now % 250 === 0) mock.timers.tick(250);
      for (const { answer } of asked.splice(0)) {
        answer({ head: { epoch: "e", seq }, presence: null, members: 0 });
        compared++;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return compared;
  };
  try {
    const relay = relays.acquire("t", "chat.a");
    asked.shift()!.answer({ head: { epoch: "e", seq }, presence: null, members: 0 });
    await relay.opened;
    assert.ok((await comparisons(1_000)) > 0, "soon after it was opened");
    assert.ok((await comparisons(60_000)) > 0, "every half a minute or so");
    relay.checkAt(now + 60_000);
    reconnect();
    assert.ok((await comparisons(1_000)) > 0, "after a reconnect");
  } finally {
    relays.stop();
    mock.restoreAll();
    mock.timers.reset();
  }
});
