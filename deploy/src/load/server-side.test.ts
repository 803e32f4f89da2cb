/** What the installation says of itself is had beside a load, and never at its cost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerMeter, type StatsSample } from "./server-side.js";

const SAMPLE: StatsSample = {
  cells: {},
  gateways: {
    g1: { connections: 1, publishesPerS: 1, deliveriesPerS: 1, loopLagMs: 4, cpu: 0.5, rssBytes: 1 },
  },
};

test("a sample that can't be had is said, and costs nothing but itself", async () => {
  const said: string[] = [];
  const answers = [() => Promise.reject(new TypeError("terminated")), async () => SAMPLE];
  const stats = () => answers.shift()!();
  const meter = new ServerMeter({ local: [], stats, say: (line) => void said.push(line) });
  meter.ask();
  meter.ask(); // while the first is under way: nothing more is asked
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([said, meter.statsKnown], [["no sample of the server side: terminated"], false]);
  meter.ask();
  const { gatewayLagMs } = await meter.end();
  assert.deepEqual([gatewayLagMs, meter.statsKnown], [{ of: "g1", value: 4 }, true]);
});
