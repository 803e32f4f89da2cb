/** What one connection may do per second: refused beyond with the time after which to come back, and closed in the end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause, setImmediate } from "node:timers/promises";
import { untilQuick } from "@plexus/runtime/testing";
import { clusterForFile } from "./harness/cluster.js";
import type { AnyFrame, RawClient, RawFrame } from "./harness/raw-client.js";
import { until } from "./harness/wait.js";

const SLOW = { PER_SECOND: "5", BURST: "10" };

const cluster = clusterForFile({
  gateways: 2,
  gatewayEnv: {
    PLEXUS_PUBLISHES_PER_SECOND: SLOW.PER_SECOND,
    PLEXUS_PUBLISHES_BURST: SLOW.BURST,
    PLEXUS_SIGNALS_PER_SECOND: SLOW.PER_SECOND,
    PLEXUS_SIGNALS_BURST: SLOW.BURST,
    PLEXUS_READS_PER_SECOND: SLOW.PER_SECOND,
    PLEXUS_READS_BURST: SLOW.BURST,
    PLEXUS_MAX_CHANNELS_PER_CONNECTION: "10",
    PLEXUS_SUBSCRIPTIONS_PER_SECOND: SLOW.PER_SECOND,
    PLEXUS_SUBSCRIPTIONS_BURST: SLOW.BURST,
    PLEXUS_FRAMES_PER_SECOND: "200",
    PLEXUS_FRAMES_BURST: "400",
  },
});

/** Sends all of them as one batch; the answers, in the order of the frames. */
async function askAll(client: RawClient, frames: RawFrame[]): Promise<AnyFrame[]> {
  const ids = frames.map(() => client.nextId());
  const answers = ids.map((id) => client.reply(id));
  client.send(frames.map((frame, i) => ({ ...frame, id: ids[i] })));
  return Promise.all(answers);
}

/** Ten times as many as a connection is closed for. */
const MOST_FLOODS = 400;

function times(n: number, frame: RawFrame): RawFrame[] {
  return Array.from({ length: n }, () => frame);
}

/** What was refused is known for the 200 ms that it was told to wait, half of that again, and a second. */
const REMEMBERED_MS = 1_300;

test("publishes beyond the rate: rate_limited with retry; who waits succeeds, and all that was acknowledged is there", () =>
  untilQuick("another publish to be sent while the refused ones are remembered", async (attempt) => {
    const client = await cluster.connect("ada");
    const ch = `chat.fast${attempt}`;
    const publish = (data: number) => ({ op: "pub", ch, data, mid: `m${data}` });
    const frames = Array.from({ length: 14 }, (_, i) => publish(i));
    const startedAt = performance.now();
    const refused = await refusedOf(client, frames);
    const late = await client.ask(publish(99));
    if (performance.now() > startedAt + REMEMBERED_MS) return false;
    assert.equal(late.code, "rate_limited");
    await pause(late.retry as number);
    const again = await client.ask(publish(99));
    if (performance.now() > startedAt + REMEMBERED_MS) return false;
    assert.equal(again.code, "rate_limited");
    for (const frame of refused)
      for (;;) {
        const answer = await client.ask(frame);
        if (answer.op === "ok") break;
        assert.equal(answer.code, "rate_limited");
        await pause(answer.retry as number);
      }
    const { messages } = await client.history(ch, { limit: 100 });
    assert.deepEqual(
      messages.map(({ data }) => data),
      frames.map(({ data }) => data),
    );
    return true;
  }));

/** Publishes all of them at once, of which the first ten are let in. Returns the others. */
async function refusedOf(client: RawClient, frames: RawFrame[]): Promise<RawFrame[]> {
  const answers = await askAll(client, frames);
  const refused = answers.flatMap((answer, i) =>
    answer.op === "err" ? [{ answer, frame: frames[i]! }] : [],
  );
  assert.equal(answers.filter(({ op }) => op === "ok").length, 10);
  assert.equal(refused.length, 4);
  const retries = refused.map(({ answer }) => answer.retry as number);
  for (const { answer } of refused) assert.equal(answer.code, "rate_limited");
  for (const [i, retry] of retries.entries())
    assert.ok(retry > 100 * (i + 1) && retry <= 200 * (i + 1), `one turn each 200 ms: ${retries}`);
  return refused.map(({ frame }) => frame);
}

test("signals, states, reads, subscriptions: each kind has its own bound, and others are not concerned", async () => {
  const client = await cluster.connect("bob");
  await client.sub("chat.state", { presence: true });
  await until(
    "to be a member",
    async () => (await client.ask({ op: "state", ch: "chat.state", data: 0 })).op === "ok",
  );
  // In one batch, which is of one moment: states come out of the tokens of signals.
  const signals = times(12, { op: "signal", ch: "chat.state", data: 1 });
  const state = { op: "state", ch: "chat.state", data: 1, id: client.nextId() };
  const answer = client.reply(state.id);
  client.send([...signals, state]);
  const { code, retry } = await answer;
  assert.equal(code, "rate_limited");
  assert.ok((retry as number) >= 1);
  assert.ok(client.frames.some((frame) => frame.code === "rate_limited" && frame.id === undefined));
  const reads = await askAll(client, times(12, { op: "history", ch: "chat.state" }));
  assert.ok(
    reads.some((answer) => answer.op === "err" && answer.code === "rate_limited" && Number(answer.retry) > 0),
  );
  const subs = await askAll(
    client,
    Array.from({ length: 24 }, (_, i) => ({ op: "unsub", ch: `chat.s${i}` })),
  );
  assert.ok(subs.some((answer) => answer.op === "err" && answer.code === "rate_limited"));
  await client.pub("chat.state", "publishes have tokens of their own");
  const other = await cluster.connect("bob");
  await other.history("chat.state");
});

for (const gateway of ["g1", "g2"])
  test(`many tiny frames on ${gateway}: refused, and the connection is closed when that is not heeded`, async () => {
    const client = await cluster.connect("mallory", { gateway });
    const flood = times(1_000, { op: "ping" });
    // A slow machine works off so little that some refusals are forgiven meanwhile.
    for (let i = 0; i < MOST_FLOODS && client.isOpen; i++) {
      client.send(flood);
      await setImmediate();
    }
    await client.closedWith(4503, "rate_limited");
    const bye = client.frames.at(-1) as AnyFrame & { reconnect: unknown };
    assert.equal(bye.reconnect, null);
    const refusals = client.frames.filter(({ op, code }) => op === "err" && code === "rate_limited");
    assert.ok(refusals.length >= 16_000, `${refusals.length} refusals before`);
    const other = await cluster.connect("ada", { gateway });
    await other.settled();
  });

test("the metrics say what was refused", async () => {
  const counts = await Promise.all(["g1", "g2"].map((id) => cluster.metrics(id)));
  for (const metrics of counts) assert.ok(metrics.sum("plexus_connection_rate_limited_total") > 4_000);
});
