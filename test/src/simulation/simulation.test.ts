/**
 * Thousands of small worlds in which everything goes wrong, each from a seed; see `history.ts`.
 *
 *   PLEXUS_SIM_SEED=7             one world, with what happened in it
 *   PLEXUS_SIM_HISTORIES=100000   more of them
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BUGS, type Bug } from "./bugs.js";
import { type Outcome, runHistory } from "./history.js";

const FILE = "test/dist/simulation/simulation.test.js";
const seed = process.env.PLEXUS_SIM_SEED;
const histories = Number(process.env.PLEXUS_SIM_HISTORIES ?? 4_000);
/** A bug that is not caught within so many is not caught. */
const MAX_SEEDS_OF_BUG = 1_000;

interface Search {
  readonly found: Outcome | null;
  /** How many there were, and how fast they went. */
  readonly spoken: string;
}

/** The first history in which something is not as promised, and in which it shows as it should. */
async function search(count: number, options: { bug?: Bug; shows?: RegExp } = {}): Promise<Search> {
  const { shows = /./, ...rest } = options;
  const startedAt = performance.now();
  let [steps, resets, done] = [0, 0, 0];
  let found: Outcome | null = null;
  while (done < count && found === null) {
    const outcome = await runHistory(++done, rest);
    steps += outcome.steps;
    resets += outcome.resets;
    if (outcome.violation !== null && shows.test(outcome.violation)) found = outcome;
  }
  const rate = Math.round((done / (performance.now() - startedAt)) * 1_000);
  const spoken = `${done} histories, ${steps} steps, ${resets} resets: ${rate} histories a second`;
  return { found, spoken };
}

/** What happened in one world, line by line, and how it ended. */
async function story(of: number): Promise<{ text: string; violation: string | null }> {
  const lines: string[] = [];
  const { violation } = await runHistory(of, { trace: (line) => void lines.push(line) });
  return { text: [...lines, `seed ${of}: ${violation ?? "all is well"}`].join("\n"), violation };
}

if (seed === undefined)
  test("nothing lost, nothing twice, nothing out of order, and live again afterwards", async (t) => {
    const { found, spoken } = await search(histories);
    t.diagnostic(spoken);
    if (found === null) return;
    const { text } = await story(found.seed);
    assert.fail(`${text}\nonce more: PLEXUS_SIM_SEED=${found.seed} node --test ${FILE}`);
  });
else
  test(`the world of seed ${seed}`, async () => {
    const { text, violation } = await story(Number(seed));
    console.log(text);
    assert.equal(violation, null);
  });

test("the same seed is the same history", async () => {
  for (const of of [1, 2, 3]) assert.equal((await story(of)).text, (await story(of)).text);
});

for (const [bug, { what, shows }] of Object.entries(BUGS))
  test(`a bug put in on purpose is caught: ${what}`, async (t) => {
    const { found, spoken } = await search(MAX_SEEDS_OF_BUG, { bug: bug as Bug, shows });
    assert.ok(found !== null, `not caught: ${spoken}`);
    t.diagnostic(`seed ${found.seed}: ${found.violation}`);
  });
