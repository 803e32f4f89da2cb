/** What is traced goes along with its batch, beside the messages, and ends with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as endOfTurn } from "node:timers/promises";
import { PlexusError } from "@plexus/protocol";
import type { Commands, WireTraces } from "./commands.js";
import { Publisher } from "./publisher.js";
import type { Router } from "./router.js";
import { PublishTrace } from "./tracing/publish-trace.js";
import type { Ended } from "./tracing/span.js";
import { newContext } from "./tracing/span.js";

type Settle = (error: PlexusError | null, answer: Commands["publish"]["answer"] | null) => void;

function setUp() {
  const sent: Array<{ ids: string[]; traces: WireTraces | undefined; settle: Settle; args: number }> = [];
  const ended: string[] = [];
  const router = {
    send: (...all: unknown[]) => {
      const [, , , items, , settle, , traces] = all as [0, 0, 0, [string][], 0, Settle, 0, WireTraces];
      sent.push({ ids: items.map(([id]) => id), traces, settle, args: all.length });
    },
    flush: () => undefined,
  };
  const publisher = new Publisher(router as unknown as Router);
  const tracer = {
    ended: (_: string, { stage, context, facts }: Ended) =>
      void ended.push(`${stage} ${context.trace[0]} ${facts?.seq ?? facts?.error ?? ""}`.trim()),
  };
  const publish = (id: string, traced?: string) => {
    const context = { ...newContext(null, true), trace: (traced ?? "0").repeat(32) };
    const trace = new PublishTrace(tracer, { key: "t/a", context, parent: null, by: "client", from: 0 });
    const listener = { published: () => undefined, rejected: () => undefined };
    publisher.publish(
      "t",
      "a",
      { id, user: "u", fragment: "{", bytes: 1, given: true },
      listener,
      traced === undefined ? undefined : trace,
    );
  };
  return { publish, sent, ended };
}

const tracesOf = (traces: WireTraces | undefined) => traces?.map(([index, text]) => [index, text[3]]);

test("each by its place in the batch it goes with; what waits behind it goes with the next", async () => {
  const { publish, sent, ended } = setUp();
  publish("a");
  publish("b", "1");
  await endOfTurn();
  for (const [id, traced] of [["c", "2"], ["d"], ["e", "3"]] as const) publish(id, traced);
  assert.deepEqual(tracesOf(sent[0]!.traces), [[1, "1"]]);
  assert.deepEqual(ended, ["lane 1"]);
  sent[0]!.settle(null, ["e", 7, 5]);
  assert.deepEqual(ended.splice(0), ["lane 1", "publish 1 8"]);
  await endOfTurn();
  assert.deepEqual(tracesOf(sent[1]!.traces), [
    [0, "2"],
    [2, "3"],
  ]);
  publish("f", "4");
  publish("g");
  sent[1]!.settle(new PlexusError("timeout", "no answer"), null);
  // What waits behind a batch that failed fails with it.
  assert.deepEqual(ended.sort(), [
    "lane 2",
    "lane 3",
    "publish 2 timeout",
    "publish 3 timeout",
    "publish 4 timeout",
  ]);
  publish("h");
  await endOfTurn();
  assert.equal(sent[2]!.traces, undefined, "nothing where nothing is traced");
});
