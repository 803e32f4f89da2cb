/** What a game day's probe expects, when a game day ends, and what it leaves behind for whoever has to undo it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { noViolations } from "../load/check.js";
import { defaultFaults, FAULTS, type FaultName, impossible } from "./faults.js";
import { reasonToStop, sinceOf } from "./judge.js";
import { ProbeLane, ProbeView } from "./lane.js";
import { markdownOf } from "./report.js";
import { isRunning, readState, stateFile, Undos } from "./undos.js";

const at = (seq: number) => ({ epoch: "e", seq });

test("a lane sends one message at a time, and again until it is acknowledged", () => {
  const lane = new ProbeLane("game-day.a");
  lane.due(100);
  lane.due(200);
  assert.equal(lane.take(), 0);
  assert.equal(lane.take(), undefined, "one is under way");
  lane.failed();
  assert.equal(lane.take(), 0, "the same one again");
  assert.equal(lane.waitingMs(1_100), 1_000);
  lane.acknowledged(0, at(1), 1_200);
  lane.acknowledged(0, at(1), 5_000);
  assert.equal(lane.acks.length, 1, "an answer to an earlier try counts once");
  assert.equal(lane.takeLongestMs(1_200), 1_100);
  assert.equal(lane.take(), 1);
  assert.equal(lane.takeLongestMs(1_300), 1_100, "what has no answer yet waits, too");
  lane.acknowledged(1, at(2), 1_300);
  assert.deepEqual([lane.take(), lane.waitingMs(9_999)], [undefined, 0]);
});

test("a view lacks what was acknowledged and has not come, unless it was told so", () => {
  const lane = new ProbeLane("game-day.a");
  const view = new ProbeView(lane);
  const violations = noViolations();
  view.subscribed(at(0), false);
  for (let number = 0; number < 3; number++) {
    lane.due(0);
    lane.take();
    lane.acknowledged(number, at(number + 1), 1);
  }
  view.received(at(1), [0, 1], violations);
  assert.deepEqual([view.missing(), view.misplaced(), view.delivered], [1, 0, 2]);
  assert.deepEqual([view.hasAllOf(2), view.hasAllOf(3)], [true, false]);
  view.received(at(4), [1], violations);
  assert.deepEqual(
    violations,
    { lost: 1, duplicated: 1, misplaced: 0 },
    "seq 3 was skipped, and 1 came twice",
  );
  assert.equal(view.misplaced(), 1);
  view.reset({ epoch: "f", seq: 9 });
  assert.deepEqual([view.missing(), view.unrecovered], [0, 1]);
});

test("a game day ends when a guarantee does not hold, or a message waits too long", () => {
  const criteria = { maxPauseMs: 1_000, steadyPauseMs: 100 };
  assert.equal(reasonToStop(noViolations(), 1_000, criteria), undefined);
  assert.match(reasonToStop(noViolations(), 1_001, criteria) ?? "", /waited 1001 ms/);
  for (const kind of ["lost", "duplicated", "misplaced"] as const)
    assert.match(reasonToStop({ ...noViolations(), [kind]: 1 }, 0, criteria) ?? "", new RegExp(`${kind} 1`));
  assert.deepEqual(sinceOf({ a: 1, b: 2 }, { a: 1, b: 3, c: 1 }), { b: 1, c: 1 });
});

test("only what is possible is done where nothing was chosen", () => {
  for (const isLocal of [true, false])
    for (const hasPods of [true, false])
      for (const fault of defaultFaults({ isLocal, hasPods }))
        assert.equal(impossible(fault, { isLocal, hasPods }), undefined);
  const nowhere = { isLocal: false, hasPods: false };
  const possible = (Object.keys(FAULTS) as FaultName[]).filter(
    (name) => impossible(name, nowhere) === undefined,
  );
  assert.deepEqual(possible, ["cell-drain", "user-disconnect"]);
});

function stateFolder(t: TestContext): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(tmpdir(), "plexus-game-day-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return { XDG_STATE_HOME: folder };
}

test("what has to be undone is written down before, and forgotten after", (t) => {
  const file = stateFile("127.0.0.1:9080", stateFolder(t));
  assert.equal(readState(file), undefined);
  const undos = new Undos(file, "127.0.0.1:9080");
  const thaw = undos.add({ kind: "thaw", pid: 1, startedAt: "5", what: "eu-1-w1" });
  undos.add({ kind: "activate", cell: "eu-1", what: "eu-1" });
  undos.done(thaw);
  const state = readState(file)!;
  assert.deepEqual(state.undos, [{ kind: "activate", cell: "eu-1", what: "eu-1" }]);
  assert.ok(isRunning(state), "this process is it");
  assert.ok(!isRunning({ ...state, startedAt: "1" }), "another process with the same pid is not");
  undos.close();
  assert.equal(readState(file), undefined);
});

test("a report is Markdown, whatever names there are", () => {
  const verdict = {
    published: 2,
    acknowledged: 2,
    delivered: 8,
    lost: 0,
    duplicated: 0,
    misplaced: 0,
    unrecovered: 0,
  };
  const { doc, hypothesis } = FAULTS["worker-kill"];
  const step = {
    fault: "worker-kill",
    doc,
    hypothesis,
    target: "eu-1-w1\u001b",
    longestPauseMs: 12,
    held: true,
  } as const;
  const steps = [{ ...step, tookMs: 1_234, reconnects: 1, errors: { timeout: 2 } }];
  const lines = markdownOf({
    installation: "x",
    startedAt: 0,
    endedAt: 9_000,
    steps,
    verdict,
    stopped: null,
    ok: true,
  });
  assert.match(
    lines.join("\n"),
    /^# Game day at x[\s\S]*\| worker-kill: a worker is killed \| eu-1-w1\\u001b \|.*\| 12 ms \| 1\.2 s \| 1, timeout 2 \| yes \|/,
  );
});
