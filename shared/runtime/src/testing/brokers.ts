/**
 * Brokers of a test's own: on free ports of the loopback, with their data in a temporary folder, gone when the
 * test is over.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Logger, pino } from "pino";
import { freePort } from "../ports.js";
import { processState } from "./machine.js";
import { until } from "./until.js";

/** Debian puts servers into folders that are not on every person's PATH. */
const MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

export const silent: Logger = pino({ level: "silent" });

/** One broker process. */
export interface Broker {
  readonly url: string;
  readonly pid: number;
  /** Once this resolves it doesn't answer (SIGSTOP), while its connections stay open: as a machine that hangs. */
  suspend(): Promise<void>;
  resume(): void;
  /** Ends the process at once (SIGKILL) and keeps its data. */
  kill(): Promise<void>;
  /**
   * Starts it again after {@link kill}: the same address, the same data. NATS also without its JetStream, as a server
   * that has not recovered its streams yet.
   */
  restart(options?: { jetstream?: boolean }): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** NATS with JetStream. */
export function startNats(): Promise<Broker> {
  return start("nats", async (folder, port, withStreams = true) => {
    const listen = ["-a", "127.0.0.1", "-p", String(port), "--ports_file_dir", folder];
    const streams = withStreams ? ["-js", "-sd", join(folder, "jetstream")] : [];
    const child = run("nats-server", [...listen, ...streams], folder);
    // It writes down where it listens once it does.
    const file = join(folder, `nats-server_${child.pid}.ports`);
    await whileAlive(child, "nats-server listens", () => existsSync(file) && readFileSync(file).length > 0);
    return child;
  });
}

export function startRedis(): Promise<Broker> {
  return start("redis", async (folder, port) => {
    const listen = ["--bind", "127.0.0.1", "--port", String(port)];
    const child = run("redis-server", [...listen, "--dir", folder, "--save", ""], folder);
    // Only a server that tells this very pid is ours.
    const own = async () => (await redisInfo(port)).includes(`process_id:${child.pid}\r`);
    await whileAlive(child, "redis-server answers", own);
    return child;
  });
}

async function start(
  scheme: string,
  launch: (folder: string, port: number, withStreams?: boolean) => Promise<ChildProcess>,
): Promise<Broker> {
  const folder = mkdtempSync(join(tmpdir(), `plexus-test-${scheme}-`));
  folders.add(folder);
  // Kept for it, also while it is down.
  const port = await freePort();
  let child = await launch(folder, port);
  const kill = () => end(child);
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    get pid() {
      return child.pid!;
    },
    suspend: async () => {
      child.kill("SIGSTOP");
      await until(`${scheme} is stopped`, () => processState(child.pid!) === "T");
    },
    resume: () => void child.kill("SIGCONT"),
    kill,
    restart: async ({ jetstream } = {}) => {
      child = await launch(folder, port, jetstream);
    },
    stop: async () => {
      await kill();
      remove(folder);
    },
  };
}

const children = new Set<ChildProcess>();
const folders = new Set<string>();

function run(program: string, args: string[], folder: string): ChildProcess {
  endWithThisProcess();
  const path = [process.env.PATH ?? "", ...MORE_FOLDERS].join(delimiter);
  const env = { ...process.env, PATH: path };
  const child = spawn(program, args, { cwd: folder, stdio: "ignore", env });
  child.once("error", (error) => {
    throw new Error(`${program} can't be run: is it installed?`, { cause: error });
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function end(child: ChildProcess): Promise<void> {
  if (!isAlive(child)) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

/** Waits for a condition, but not for a process that has ended. */
async function whileAlive(
  child: ChildProcess,
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const held = () => !isAlive(child) || holds();
  await until(what, held);
  if (!isAlive(child)) throw new Error(`ended with ${child.exitCode ?? child.signalCode}: ${what}`);
}

let watching = false;

/** Nothing outlives the test, also where it is ended from outside; SIGKILL is the one that can't be heard. */
function endWithThisProcess(): void {
  if (watching) return;
  watching = true;
  process.once("exit", () => {
    for (const child of children) child.kill("SIGKILL");
    for (const folder of folders) remove(folder);
  });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
}

function remove(folder: string): void {
  folders.delete(folder);
  // A broker that was killed an instant ago may still be writing a file.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function redisInfo(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.end("INFO server\r\nQUIT\r\n"));
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString();
    });
    socket.once("end", () => resolve(answer));
    socket.once("error", reject);
  });
}
