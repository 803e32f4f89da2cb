/** One run of one child process. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ProcessKind } from "./dev-file.js";

/** What is run, and again each time it is restarted. */
export interface ChildSpec {
  kind: ProcessKind;
  id: string;
  cell?: string;
  /** Program and arguments. */
  command: string[];
  /** Added to the environment that all children get. */
  env: Record<string, string>;
  opsUrl: string | null;
  /** For a program that does not end by itself when its standard input ends; see leash.ts. */
  leashed: boolean;
}

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunningChild {
  /** The program itself, not its leash: what an operator sees in `ps`, and what a test kills. */
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** When it was started, milliseconds of the monotonic clock. */
  readonly startedAt: number;
  kill(signal: NodeJS.Signals): void;
  /** SIGKILL for it and all that it may have started. */
  killGroup(): void;
}

const LEASH = fileURLToPath(new URL("leash.js", import.meta.url));

/**
 * Starts the program. Resolves once its pid is known; rejects if it cannot be run at all.
 *
 * Every child leads a process group of its own (`detached`): a terminal's Ctrl-C signals the launcher's group, and
 * would otherwise end all children at once and in no order, brokers before those who still write to them. The price,
 * that a launcher killed with SIGKILL leaves them behind, is paid by the pipe on standard input: it ends with the
 * launcher, and the child with it.
 */
export async function startChild(
  spec: ChildSpec,
  env: Record<string, string>,
  onOutput: (chunk: Buffer) => void,
): Promise<RunningChild> {
  const [program, ...args] = spec.leashed ? [process.execPath, LEASH, ...spec.command] : spec.command;
  if (program === undefined) throw new Error(`${spec.id} has no command`);
  const child = spawn(program, args, {
    env: { ...env, ...spec.env },
    stdio: spec.leashed ? ["pipe", "pipe", "pipe", "ipc"] : ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const startedAt = performance.now();
  child.stdout?.on("data", onOutput);
  child.stderr?.on("data", onOutput);
  // Nothing is ever written; a child that dies may still reset the pipe.
  child.stdin?.on("error", () => undefined);
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const leader = await pidOf(child);
  const pid = spec.leashed ? await leashedPid(child, exited) : leader;
  const killGroup = () => signalProcess(-leader, "SIGKILL");
  // What the child itself started, or a broker whose leash was killed, must not stay behind.
  void exited.then(killGroup);
  return { pid, exited, startedAt, kill: (signal) => signalProcess(pid, signal), killGroup };
}

function pidOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    if (child.pid !== undefined) resolve(child.pid);
  });
}

async function leashedPid(leash: ChildProcess, exited: Promise<Exit>): Promise<number> {
  const told = new Promise<number>((resolve) => {
    leash.once("message", (message: { pid: number }) => resolve(message.pid));
  });
  // A program that cannot be run leaves a leash that ends: its pid is as good as any to report the end.
  return await Promise.race([told, exited.then(() => leash.pid ?? 0)]);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended in the meantime, which is what a signal is usually for. EPERM is macOS's word for a group whose
    // members are all dead but not yet collected.
    if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
