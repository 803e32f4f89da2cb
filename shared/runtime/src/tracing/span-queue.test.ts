import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { register } from "prom-client";
import { silent, until } from "../testing/index.js";
import type { Span } from "./span.js";
import { SpanQueue } from "./span-queue.js";

const span = { stage: "publish", trace: "1".repeat(32) } as unknown as Span;

async function counted(outcome: string): Promise<number> {
  const { values } = await register.getSingleMetric("plexus_trace_spans_total")!.get();
  return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
}

test("batches, one request at a time; what waits at the end is sent", async () => {
  const sizes: number[] = [];
  let underWay = 0;
  const before = await counted("exported");
  const queue = new SpanQueue(
    5_000,
    async (spans) => {
      assert.equal(++underWay, 1);
      sizes.push(spans.length);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
    },
    silent,
  );
  for (let i = 0; i < 1_300; i++) queue.add(span);
  await queue.stop(5_000);
  assert.deepEqual(sizes, [512, 512, 276]);
  assert.equal((await counted("exported")) - before, 1_300);
});

test("a collector that hangs: what is too much is dropped and counted, and the end does not wait for it", async () => {
  const before = await counted("full");
  const queue = new SpanQueue(1_000, () => new Promise(() => undefined), silent);
  for (let i = 0; i < 2_000; i++) queue.add(span);
  assert.equal((await counted("full")) - before, 2_000 - 1_000 - 512);
  await queue.stop(10);
});

test("a collector that refuses: dropped and counted, said once, and tried with the next", async () => {
  const before = await counted("failed");
  const warn = mock.fn();
  const log = Object.assign(Object.create(silent), { warn });
  let requests = 0;
  const queue = new SpanQueue(
    5_000,
    async () => {
      requests++;
      throw new Error("refused");
    },
    log,
  );
  for (let i = 0; i < 1_024; i++) queue.add(span);
  await until("both to be refused", async () => (await counted("failed")) - before === 1_024);
  assert.equal(requests, 2);
  assert.equal(warn.mock.callCount(), 1);
  await queue.stop(1_000);
});
