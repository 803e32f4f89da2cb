/** Which relay a channel has: made for its first subscriber, put away some time after the last. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type Commands, EMPTY_DIRECTORY, Settings } from "@plexus/runtime";
import { deferred, silent } from "@plexus/runtime/testing";
import type { RelayContext } from "./relay-context.js";
import { Relays } from "./relays.js";

type Head = Commands["head"]["answer"];

/** Longer than a relay that nobody needs stays, and shorter than a question to the actor may take. */
const PUT_AWAY_MS = 8_000;

/** Questions where a channel stands, to be answered by the test. */
let asked: Array<{ answer: (head: Head) => void; fail: () => void }>;

function newRelays(): Relays {
  asked = [];
  const ask = () => {
    const { promise, resolve, reject } = deferred<Head>();
    asked.push({ answer: resolve, fail: () => reject(new Error("no answer in time")) });
    return promise;
  };
  const nats = {
    subscribe: () => ({ unsubscribe: () => undefined }),
    status: () => [],
  };
  const context = {
    nats,
    router: { ask },
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
