/** What `plexus load` does. */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { isTenant } from "@plexus/protocol";
import { reportLines } from "../../load/report.js";
import { LoadRun } from "../../load/run.js";
import type { StatsSample } from "../../load/server-side.js";
import { readSteps, readWorkload, tooLarge, type Workload } from "../../load/workload.js";
import { clientTokens, drivenGateways } from "../clients.js";
import { type CommandContext, show } from "../command.js";
import { CliError, EXIT, usageError } from "../errors.js";
import { findProcesses } from "../installation.js";
import { readJson } from "../read-file.js";

const DEFAULT_STEPS = "1,2,5,10";
const DEFAULT_RAMP = 100;
const DEFAULT_MAX_ERRORS = 0.05;
const DEFAULT_MAX_P99_MS = 5_000;
const DEFAULT_MAX_MS = 15 * 60 * 1_000;
/** Users of the load; its connections share them. */
const USERS = 100;
/** Beyond the run's own limit, so that no token ends in between. */
const TOKEN_RESERVE_MS = 60 * 60 * 1_000;

export async function runLoad(context: CommandContext): Promise<number> {
  const { given, terminal } = context;
  const tenant = given.args[0] ?? "load";
  if (!isTenant(tenant)) throw usageError(`"${tenant}" is no tenant's name: a-z, 0-9 and -, at most 32`);
  const workload = workloadOf(context);
  const steps = readSteps(given.text("steps") ?? DEFAULT_STEPS);
  if (steps === undefined) throw usageError("--steps must be growing multiples such as 1,2,5,10");
  const problem = tooLarge(workload, steps);
  if (problem !== undefined)
    throw usageError(problem, "Give fewer, smaller --steps, or run several generators.");
  const targets = drivenGateways(context);
  const maxMs = given.spanMs("max-time") ?? DEFAULT_MAX_MS;
  const users = Array.from({ length: USERS }, (_, i) => `load-${i}`);
  const tokens = await clientTokens(context, { tenant, users, lifetimeMs: maxMs + TOKEN_RESERVE_MS });
  const run = new LoadRun({
    workload,
    steps,
    targets,
    tokens,
    maxMs,
    rampPerSecond: given.number("ramp", 0.1, 10_000) ?? DEFAULT_RAMP,
    limits: {
      errorShare: given.number("max-errors", 0, 1) ?? DEFAULT_MAX_ERRORS,
      ackP99Ms: given.count("max-p99", 1) ?? DEFAULT_MAX_P99_MS,
    },
    run: randomBytes(4).toString("hex"),
    random: Math.random,
    local: findProcesses(given, terminal.env, terminal.cwd),
    cores: availableParallelism(),
    stats: statsOf(context),
    say: (line) => (given.has("json") ? undefined : terminal.note(line)),
    signal: terminal.signal,
  });
  const report = await run.run();
  show(context, report, reportLines);
  if (terminal.signal.aborted) return EXIT.interrupted;
  return report.ok ? EXIT.ok : EXIT.failed;
}

/** From the file, and from flags, which go before it. */
function workloadOf({ given, terminal }: CommandContext): Workload {
  const file = given.text("workload");
  const described = file === undefined ? {} : readJson(terminal, file);
  if (typeof described !== "object" || described === null) throw usageError(`${file} must hold an object`);
  const flags = {
    connections: given.count("connections", 1),
    channels: given.count("channels", 1),
    channelsPerConnection: given.count("channels-per-connection", 1),
    publishesPerSecond: given.number("rate", 0),
    bytes: given.count("bytes", 1),
    sources: given.count("sources", 0),
    presenceShare: given.number("presence-share", 0, 1),
    churnPerSecond: given.number("churn", 0),
    seconds: given.number("seconds", 1),
  };
  const stated = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const read = readWorkload({ ...described, ...stated });
  if ("workload" in read) return read.workload;
  const hint = "It needs at least connections, channels and publishesPerSecond (--rate); see docs/grow.md.";
  throw usageError(`the workload is not right: ${read.problems.join("; ")}`, hint);
}

/** Asks the admin API; one that has no such samples, or is not there, is not asked again. */
function statsOf({ api, terminal }: CommandContext): () => Promise<StatsSample | undefined> {
  let known = true;
  return async () => {
    if (!known) return undefined;
    try {
      return await api.get<StatsSample>("/v1/stats");
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (error.exitCode === EXIT.unavailable) return undefined;
      known = false;
      if (error.exitCode !== EXIT.notFound) terminal.note(`no samples of the server side: ${error.message}`);
      return undefined;
    }
  };
}
