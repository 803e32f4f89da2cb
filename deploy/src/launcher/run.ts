/** `npm start` after the set-up: a cluster, a terminal, and signals. */
import { constants } from "node:os";
import { relative } from "node:path";
import { Cluster } from "./cluster.js";
import { devFilePath } from "./dev-file.js";
import { ClusterError } from "./errors.js";
import { FlagError, helpText, type LauncherFlags, parseFlags } from "./flags.js";

/**
 * npm passes Ctrl-C on to a process that the terminal has already told: what comes so soon after the first signal
 * is its echo and not a second wish.
 */
const ECHO_WITHIN_MS = 500;

const USAGE_ERROR = 2;

/** Runs until it is told to stop. Returns the exit code. */
export async function runLauncher(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  let flags: LauncherFlags;
  try {
    flags = parseFlags(argv);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    console.error(`${error.message}\nAll flags: npm start -- --help`);
    return USAGE_ERROR;
  }
  if (flags.help) {
    console.log(helpText());
    return 0;
  }
  const cluster = new Cluster({
    ...flags,
    dataDir: flags.data,
    isolated: flags.isolated,
    natsUrl: env.NATS_URL || undefined,
    redisUrl: env.REDIS_URL || undefined,
  });
  const asked = stopOnSignals(cluster);
  const startedAt = performance.now();
  try {
    await cluster.start();
  } catch (error) {
    if (asked.signal !== undefined) return 0;
    console.error(error instanceof ClusterError ? error.message : error);
    return 1;
  }
  console.log(summary(cluster, flags.data, performance.now() - startedAt));
  await asked.stopped;
  console.log("stopped");
  return 0;
}

interface Asked {
  /** The signal that asked for the end, once there was one. */
  signal: NodeJS.Signals | undefined;
  stopped: Promise<void>;
}

/** The first signal stops in order, a second one at once. */
function stopOnSignals(cluster: Cluster): Asked {
  const asked: Asked = { signal: undefined, stopped: Promise.resolve() };
  asked.stopped = new Promise((resolve, reject) => {
    let firstAt = 0;
    const onSignal = (signal: NodeJS.Signals) => {
      if (asked.signal === undefined) {
        asked.signal = signal;
        firstAt = performance.now();
        console.log("\nstopping (once more: at once)");
        cluster.stop().then(resolve, reject);
      } else if (performance.now() - firstAt > ECHO_WITHIN_MS) {
        cluster.stopAtOnce();
        process.exit(128 + constants.signals[signal]);
      }
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  });
  return asked;
}

function summary(cluster: Cluster, data: string, tookMs: number): string {
  const { url, adminUrl, natsUrl, processes } = cluster.dev;
  const devFile = shown(devFilePath(data));
  const rows = [
    ["chat", url],
    ["clients", `${url.replace("http", "ws")}/v1/connect`],
    ["console", adminUrl && `${adminUrl}/console/   token: adminToken in ${devFile}`],
    ["admin API", adminUrl],
    ["NATS", natsUrl],
    ["addresses", devFile],
    ["logs", `${shown(data)}/logs`],
    ["stop", "Ctrl-C"],
  ];
  const lines = rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `  ${name?.padEnd(11)}${value}`);
  const count = processes.length;
  return `\nPlexus is ready: ${count} processes in ${(tookMs / 1000).toFixed(1)} s\n\n${lines.join("\n")}\n`;
}

function shown(path: string): string {
  return relative(process.cwd(), path) || path;
}
