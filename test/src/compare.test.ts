/** The comparison, small: the same code as `npm run compare`. What Socket.IO delivers is counted, not judged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "./compare/compare.js";

const OPTIONS = { clients: 10, rate: 50, seconds: 4, seed: 3, sides: ["plexus", "socket.io"] as const };

test("clients whose networks are away again and again get everything from Plexus, once and in order", async (t) => {
  const lines: string[] = [];
  const report = await compare({ ...OPTIONS, sides: [...OPTIONS.sides] }, (line) => lines.push(line));
  if (!report.ok) t.diagnostic(`${lines.join("\n")}\n${JSON.stringify(report)}`);
  const [plexus, other] = report.sides;
  const { published, complete, delivered, duplicated, outOfOrder, toldOfGap, deliveredPercent } = plexus!;
  assert.deepEqual(
    { published, complete, delivered, duplicated, outOfOrder, toldOfGap, deliveredPercent },
    {
      published: 200,
      complete: 10,
      delivered: 2_000,
      duplicated: 0,
      outOfOrder: 0,
      toldOfGap: 0,
      deliveredPercent: 100,
    },
  );
  assert.ok(report.drops > 0 && plexus!.reconnects > 0);
  assert.equal(report.ok, true);
  assert.equal(other!.side, "socket.io");
  assert.deepEqual([other!.published, other!.clients], [200, 10]);
  assert.ok(other!.delivered > 0 && other!.reconnects > 0);
});
