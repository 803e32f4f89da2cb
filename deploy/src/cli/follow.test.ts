/** An operation is followed over failures of the admin API, for as long as that is promised. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { EXIT } from "./errors.js";
import { runCli } from "./run.js";
import { type Answer, fakeApi } from "./testing/fake-api.js";
import { TestTerminal } from "./testing/terminal.js";

const DRAIN = { id: "drain-1", kind: "drain", cell: "eu-1", startedAt: 1_000, moved: 1, total: 2 };
const RUNNING = { ...DRAIN, state: "running" };

function event(state: string): string {
  return `event: operation\ndata: ${JSON.stringify({ ...DRAIN, state })}\n\n`;
}
/** Shows where it stands, is silent, and breaks off. */
const BREAKS: Answer = { events: `${event("running")}:\n`, isCut: true };
const AWAY: Answer = { isCut: true };
const DONE: Answer = { events: event("done") };

/** More than a minute goes by between any two looks at the clock. */
async function follow(t: TestContext, streams: Answer[]) {
  const { url } = await fakeApi(t, ({ path }) =>
    path.endsWith("/events") ? streams.shift()! : { body: RUNNING },
  );
  const terminal = new TestTerminal({ PLEXUS_ADMIN_URL: url, PLEXUS_ADMIN_TOKEN: "t".repeat(32) });
  let now = 0;
  t.mock.method(terminal, "now", () => {
    now += 61_000;
    return now;
  });
  return { exitCode: await runCli(["ops", "drain-1", "--follow"], terminal), left: streams.length };
}

test("an admin API that ends after a quiet minute is asked again, each time", async (t) => {
  assert.deepEqual(await follow(t, [BREAKS, BREAKS, DONE]), { exitCode: EXIT.ok, left: 0 });
});

test("one that fails again after a minute, and showed nothing in between, is given up", async (t) => {
  assert.deepEqual(await follow(t, [BREAKS, AWAY, DONE]), { exitCode: EXIT.unreachable, left: 1 });
});
