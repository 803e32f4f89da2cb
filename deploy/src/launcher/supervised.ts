import { STOP_DEADLINE_MS } from "@plexus/runtime";
import { nextRestart } from "./backoff.js";
import { type ChildSpec, type Exit, type RunningChild, startChild } from "./child.js";
import type { LogFile } from "./log-file.js";

/** What a supervised child tells the cluster. */
export interface ChildEvents {
  /** It runs (again), under this pid. */
  started(spec: ChildSpec, pid: number): void;
  /** It ended without having been asked to; with the pause until the next try, or null where there is none. */
  died(spec: ChildSpec, exit: Exit, restartInMs: number | null): void;
}

/** So much longer than its own deadline for an orderly stop a process is waited for. */
const STOP_MARGIN_MS = 2_000;

/** A gateway may have been given longer than the others. */
function stopPatienceMs({ PLEXUS_STOP_WITHIN_MS: own }: Record<string, string>): number {
  return (Number(own) || STOP_DEADLINE_MS) + STOP_MARGIN_MS;
}

/** One child of the launcher, over all of its runs. */
export class SupervisedChild {
  readonly spec: ChildSpec;
  readonly log: LogFile;
  readonly #env: Record<string, string>;
  readonly #events: ChildEvents;
  readonly #restarts: boolean;
  readonly #stopPatienceMs: number;
  #current: RunningChild | undefined;
  /** The run that is being started, until its pid is known. */
  #starting: Promise<void> | undefined;
  #deaths = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #stopping = false;
  #isOver = false;

  constructor(options: {
    spec: ChildSpec;
    log: LogFile;
    /** Environment of every child. */
    env: Record<string, string>;
    /** Whether it is started again when it dies. */
    restarts: boolean;
    events: ChildEvents;
    /** From SIGTERM to SIGKILL. */
    stopPatienceMs?: number;
  }) {
    this.spec = options.spec;
    this.log = options.log;
    this.#env = options.env;
    this.#restarts = options.restarts;
    this.#events = options.events;
    this.#stopPatienceMs = options.stopPatienceMs ?? stopPatienceMs({ ...options.env, ...options.spec.env });
  }

  /** Of the run under way, or of the last one. 0 before the first. */
  get pid(): number {
    return this.#current?.pid ?? 0;
  }

  /** The end of the run under way, or of the last one. */
  get exited(): Promise<Exit> {
    return this.#current?.exited ?? Promise.reject(new Error(`${this.spec.id} was never started`));
  }

  /** Deaths in a row. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Whether it ended without having been asked to, and is not started again unless somebody says so. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Starts it, or starts it again at once after its end. */
  start(): Promise<void> {
    clearTimeout(this.#restartTimer);
    this.#starting = this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<void> {
    const child = await startChild(this.spec, this.#env, (chunk) => this.log.write(chunk));
    this.#current = child;
    this.#isOver = false;
    if (this.#stopping) child.killGroup();
    this.#events.started(this.spec, child.pid);
    void child.exited.then((exit) => this.#ended(child, exit));
  }

  kill(signal: NodeJS.Signals): void {
    this.#current?.kill(signal);
  }

  /** SIGTERM, and SIGKILL if that takes too long. Resolves when it has ended; it is not started again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    // Whoever starts it is told if it cannot be run; here it is enough that no run comes after this.
    if (this.#starting) await Promise.allSettled([this.#starting]);
    const child = this.#current;
    if (!child) return;
    child.kill("SIGTERM");
    child.kill("SIGCONT"); // one that a test has stopped could not act on the signal
    const timer = setTimeout(() => child.killGroup(), this.#stopPatienceMs);
    await child.exited;
    clearTimeout(timer);
  }

  /** SIGKILL now. */
  stopAtOnce(): void {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    this.#current?.killGroup();
  }

  #ended(child: RunningChild, exit: Exit): void {
    if (this.#stopping) return;
    const { deaths, delayMs } = nextRestart(this.#deaths, performance.now() - child.startedAt);
    this.#deaths = deaths;
    this.#isOver = !this.#restarts;
    if (this.#restarts) {
      this.#restartTimer = setTimeout(
        () => void this.start().catch((error) => this.#cannotRun(error)),
        delayMs,
      );
    }
    this.#events.died(this.spec, exit, this.#restarts ? delayMs : null);
  }

  /** The program itself is gone (an update of it, say): as good as a death at once. */
  #cannotRun(error: Error): void {
    this.log.write(Buffer.from(`${this.spec.command[0]} cannot be run: ${error.message}\n`));
    const last = this.#current;
    if (last) this.#ended({ ...last, startedAt: performance.now() }, { code: 127, signal: null });
  }
}
