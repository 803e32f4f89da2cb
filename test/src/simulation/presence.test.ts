/** Who is here, as every gateway shows it, in worlds where everything goes wrong; see `presence-history.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runPresenceHistory } from "./presence-history.js";

const FILE = "test/dist/simulation/presence.test.js";
const seed = process.env.PLEXUS_SIM_SEED;
const histories = Number(process.env.PLEXUS_SIM_HISTORIES ?? 1_500);
/** A bug that is not caught within so many is not caught. */
const MAX_SEEDS_OF_BUG = 200;

function story(of: number): { text: string; violation: string | null } {
  const lines: string[] = [];
  const violation = runPresenceHistory(of, { trace: (line) => void lines.push(line) });
  return { text: [...lines, `seed ${of}: ${violation ?? "all is well"}`].join("\n"), violation };
}

if (seed === undefined)
  test("everybody sees who is here, and nobody leaves twice, once nothing goes wrong any more", (t) => {
    const startedAt = performance.now();
    for (let of = 1; of <= histories; of++) {
      if (runPresenceHistory(of) === null) continue;
      assert.fail(`${story(of).text}\nonce more: PLEXUS_SIM_SEED=${of} node --test ${FILE}`);
    }
    const rate = Math.round((histories / (performance.now() - startedAt)) * 1_000);
    t.diagnostic(`${histories} histories: ${rate} a second`);
  });
else
  test(`the members of seed ${seed}`, () => {
    const { text, violation } = story(Number(seed));
    console.log(text);
    assert.equal(violation, null);
  });

test("a bug put in on purpose is caught: nobody leaves when a gateway's lease ends", (t) => {
  for (let of = 1; of <= MAX_SEEDS_OF_BUG; of++) {
    const violation = runPresenceHistory(of, { leasesNeverEnd: true });
    if (violation !== null) return t.diagnostic(`seed ${of}: ${violation}`);
  }
  assert.fail(`not caught in ${MAX_SEEDS_OF_BUG} histories`);
});
