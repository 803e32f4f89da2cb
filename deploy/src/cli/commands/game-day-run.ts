/** What `plexus game-day` does. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isTenant } from "@plexus/protocol";
import { defaultFaults, FAULTS, type FaultName, impossible, isFault } from "../../game-day/faults.js";
import { Probe } from "../../game-day/probe.js";
import { markdownOf } from "../../game-day/report.js";
import { GameDay, type GameDayReport } from "../../game-day/run.js";
import { GameTarget } from "../../game-day/target.js";
import { undoAll } from "../../game-day/undo.js";
import { isRunning, readState, stateFile, Undos } from "../../game-day/undos.js";
import { clientTokens, drivenGateways } from "../clients.js";
import { type CommandContext, show } from "../command.js";
import { CliError, EXIT, usageError } from "../errors.js";
import { findInstallation, findProcesses } from "../installation.js";

const USER = "game-day";
const DEFAULT_HOLD_MS = 5_000;
const DEFAULT_REST_MS = 3_000;
const DEFAULT_STEADY_MS = 5_000;
const DEFAULT_MAX_PAUSE_MS = 30_000;
const DEFAULT_MAX_MS = 15 * 60 * 1_000;
const TOKEN_RESERVE_MS = 60 * 60 * 1_000;
/** Before anything has begun a message waits no longer than this. */
const STEADY_PAUSE_MS = 2_000;
/** Everything is undone by then; the game day still waits for what is under way, so as to judge it. */
const STOPPED_WITHIN_MS = 75_000;
const POLL_MS = 50;

export async function runGameDay(context: CommandContext): Promise<number> {
  const { api, given, terminal } = context;
  const tenant = given.args[0] ?? "game-day";
  if (!isTenant(tenant)) throw usageError(`"${tenant}" is no tenant's name: a-z, 0-9 and -, at most 32`);
  const name = nameOf(context);
  const processes = () => findProcesses(given, terminal.env, terminal.cwd);
  const possible = { isLocal: processes().length > 0, hasPods: given.text("kubectl") !== undefined };
  const faults = faultsOf(given.text("faults"), possible);
  if (given.text("installation") === undefined) return explain(context, name, faults);
  if (given.text("installation") !== name)
    throw new CliError(
      EXIT.refused,
      `the installation is ${name}, not ${given.text("installation")}`,
      "Nothing was done.",
    );
  const file = stateFile(name, terminal.env);
  refuseSecond(file);
  const targets = drivenGateways(context);
  const maxMs = given.spanMs("max-time") ?? DEFAULT_MAX_MS;
  const [token] = await clientTokens(context, {
    tenant,
    users: [USER],
    lifetimeMs: maxMs + TOKEN_RESERVE_MS,
  });
  const undos = new Undos(file, name);
  const namespace = given.text("kubectl");
  const target = new GameTarget({
    api,
    processes,
    undos,
    tenant,
    user: USER,
    namespace,
    random: Math.random,
  });
  const probe = new Probe(targets, token!, randomBytes(4).toString("hex"));
  const ended = endOf(context, maxMs);
  const day = new GameDay({
    installation: name,
    target,
    probe,
    faults,
    steadyMs: given.spanMs("steady") ?? DEFAULT_STEADY_MS,
    holdMs: given.spanMs("hold") ?? DEFAULT_HOLD_MS,
    restMs: given.spanMs("rest") ?? DEFAULT_REST_MS,
    criteria: {
      maxPauseMs: given.spanMs("max-pause") ?? DEFAULT_MAX_PAUSE_MS,
      steadyPauseMs: STEADY_PAUSE_MS,
    },
    say: (line) => terminal.note(line),
    signal: ended.signal,
  });
  try {
    const unsteady = await day.unsteady();
    if (unsteady !== undefined)
      throw new CliError(EXIT.unavailable, `its state is not steady: ${unsteady}`, "Nothing was done.");
    return finish(context, await day.run(), ended.signal);
  } finally {
    ended.release();
    probe.stop();
    const failed = await undoAll(undos.open, api);
    for (const line of failed) terminal.note(line);
    if (failed.length === 0) undos.close();
  }
}

export async function stopGameDay(context: CommandContext): Promise<number> {
  const { api, terminal } = context;
  const name = nameOf(context);
  const file = stateFile(name, terminal.env);
  const state = readState(file);
  if (state === undefined) throw new CliError(EXIT.notFound, `no game day is under way at ${name}`);
  // At once, whether or not it can do so itself.
  const left = await undoAll(state.undos, api);
  if (isRunning(state)) {
    terminal.note("everything is undone; it ends with its report");
    process.kill(state.pid, "SIGINT");
    const untilAt = performance.now() + STOPPED_WITHIN_MS;
    while (isRunning(state) && performance.now() < untilAt) await pause(POLL_MS);
    if (isRunning(state))
      throw new CliError(EXIT.failed, `process ${state.pid} does not end`, "What it did is undone.");
  } else if (left.length === 0) new Undos(file, name).close();
  for (const line of left) terminal.note(line);
  terminal.out(
    `stopped; undone: ${state.undos.map(({ what }) => what).join(", ") || "nothing was under way"}`,
  );
  return left.length === 0 ? EXIT.ok : EXIT.failed;
}

/** What a person types to begin: where its admin API is. */
function nameOf({ given, terminal }: CommandContext): string {
  return new URL(findInstallation(given, terminal.env, terminal.cwd).adminUrl).host;
}

function faultsOf(text: string | undefined, possible: { isLocal: boolean; hasPods: boolean }): FaultName[] {
  if (text === undefined) return defaultFaults(possible);
  return text.split(",").map((part) => {
    const name = part.trim();
    if (!isFault(name)) throw usageError(`there is no fault "${name}"`);
    const problem = impossible(name, possible);
    if (problem !== undefined) throw usageError(problem);
    return name;
  });
}

function explain({ terminal }: CommandContext, name: string, faults: readonly FaultName[]): number {
  terminal.out(`It would be held at ${name}, with these faults, one after the other:`);
  for (const fault of faults)
    terminal.out(`  ${fault.padEnd(16)} ${FAULTS[fault].doc}; expected: ${FAULTS[fault].hypothesis}`);
  terminal.note(`Nothing was done. To begin: plexus game-day --installation ${name}`);
  return EXIT.usage;
}

function refuseSecond(file: string): void {
  const state = readState(file);
  if (state === undefined) return;
  if (isRunning(state))
    throw new CliError(EXIT.refused, "a game day is under way there", "To end it: plexus game-day stop");
  if (state.undos.length > 0)
    throw new CliError(
      EXIT.refused,
      "a game day was killed there, and what it did is not undone",
      "First: plexus game-day stop",
    );
}

/** Ctrl-C, another end of this process, or its time. */
function endOf({ terminal }: CommandContext, maxMs: number): { signal: AbortSignal; release: () => void } {
  const own = new AbortController();
  const ended = () => own.abort("interrupted");
  for (const name of ["SIGTERM", "SIGHUP"] as const) process.once(name, ended);
  const timer = setTimeout(() => own.abort("the time for the whole day is over"), maxMs);
  const release = () => {
    clearTimeout(timer);
    for (const name of ["SIGTERM", "SIGHUP"] as const) process.off(name, ended);
  };
  return { signal: AbortSignal.any([terminal.signal, own.signal]), release };
}

function finish(context: CommandContext, report: GameDayReport, signal: AbortSignal): number {
  const { given, terminal } = context;
  show(context, report, markdownOf);
  const file = given.text("report");
  if (file !== undefined) {
    writeFileSync(resolve(terminal.cwd, `${file}.md`), `${markdownOf(report).join("\n")}\n`);
    writeFileSync(resolve(terminal.cwd, `${file}.json`), `${JSON.stringify(report, null, 2)}\n`);
  }
  if (signal.aborted) return EXIT.interrupted;
  return report.ok ? EXIT.ok : EXIT.failed;
}
