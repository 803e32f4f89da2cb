/** Where a drill takes place: a cluster of its own, its directory, and the means to change it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Cluster, type ClusterOptions, type ClusterProcess } from "@plexus/deploy/launcher";
import { CONNECT_PATH } from "@plexus/protocol";
import {
  connectNats,
  createLogger,
  type Directory,
  DirectoryStore,
  homeOf,
  type NatsConnection,
  type Operation,
  OperationStore,
  partitionOwner,
} from "@plexus/runtime";
import { signToken, TENANT } from "../harness/tokens.js";
import { checkLog, type LogCheck } from "./log-check.js";
import type { DrillOptions } from "./options.js";

const POLL_MS = 100;
/** Far longer than any change may take: a stuck one is a finding, not a reason to wait. */
const OPERATION_DEADLINE_MS = 180_000;
const ADMIN_DEADLINE_MS = 10_000;
/** The partition whose owner moves its cell's channels and watches the other cells. */
const LEADER_PARTITION = 0;

export class Stage {
  readonly options: DrillOptions;
  readonly cluster: Cluster;
  readonly nats: NatsConnection;
  readonly directory: DirectoryStore;
  readonly operations: OperationStore;
  /** The operation under way, as it was last seen. */
  operation: Operation | undefined;
  /** Processes that ended without the drill's doing. */
  readonly casualties: string[] = [];
  readonly #doomed = new Set<string>();
  readonly #reviving = new Set<string>();
  readonly dataDir: string;

  private constructor(
    parts: Pick<Stage, "options" | "cluster" | "nats" | "directory" | "operations">,
    dataDir: string,
  ) {
    this.options = parts.options;
    this.cluster = parts.cluster;
    this.nats = parts.nats;
    this.directory = parts.directory;
    this.operations = parts.operations;
    this.dataDir = dataDir;
    this.cluster.events.on("exit", (id, { code, signal }) => {
      if (!this.#doomed.delete(id) && !this.#reviving.has(id))
        this.casualties.push(`${id} ended with ${signal ?? code}`);
    });
  }

  /** @param more for the cluster, beside what the options say */
  static async start(
    options: DrillOptions,
    say: (line: string) => void,
    interrupted?: AbortSignal,
    more: Partial<ClusterOptions> = {},
  ): Promise<Stage> {
    const dataDir = options.data ?? mkdtempSync(join(tmpdir(), "plexus-drill-"));
    const { cells, workers, gateways, isolated, movesPerSecond, graceMs } = options;
    const env = { PLEXUS_LOG_LEVEL: "warn" };
    const workerEnv = {
      PLEXUS_MOVES_PER_SECOND: String(movesPerSecond),
      PLEXUS_CELL_GRACE_MS: String(graceMs),
      ...more.workerEnv,
    };
    // What the drill kills stays dead until the drill says otherwise.
    const common = { ...more, dataDir, restart: false, demo: false, quiet: true, env, workerEnv };
    const cluster = new Cluster({ ...common, cells, workers, gateways, isolated });
    interrupted?.addEventListener("abort", () => void cluster.stop(), { once: true });
    cluster.events.on("line", say);
    try {
      await cluster.start();
    } catch (error) {
      if (options.data === undefined) rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
      throw error;
    }
    const log = createLogger("drill", "drill", "fatal");
    const nats = await connectNats(cluster.dev.natsUrl, "drill", log);
    const directory = await DirectoryStore.open(nats, log);
    const operations = await OperationStore.open(nats, log);
    const stage = new Stage({ options, cluster, nats, directory, operations }, dataDir);
    // The cells after the first one have joined, and are ready, before all that this entails is done.
    const settled = () => (directory.current.operation ? undefined : true);
    await stage.until("the cells to have joined", settled);
    return stage;
  }

  get url(): string {
    return `${this.cluster.dev.url.replace("http", "ws")}${CONNECT_PATH}`;
  }
  get gateways(): string[] {
    return this.cluster.processes.filter(({ kind }) => kind === "gateway").map(({ id }) => id);
  }

  token(): Promise<string> {
    return signToken(this.cluster.dev.tokenSecret, "drill");
  }

  homeOf(channel: string, directory: Directory = this.directory.current): string | undefined {
    return homeOf(directory, TENANT, channel)?.cell;
  }

  /** Its workers, and its brokers if it has some of its own. */
  processesOf(cell: string): ClusterProcess[] {
    return this.cluster.processes.filter((process) => process.cell === cell);
  }

  workersOf(cell: string): ClusterProcess[] {
    return this.processesOf(cell).filter(({ kind }) => kind === "worker");
  }

  /** The worker that moves the cell's channels. */
  leaderOf(cell: string): ClusterProcess {
    const ids = this.workersOf(cell).map(({ id }) => id);
    return this.cluster.process(partitionOwner(LEADER_PARTITION, ids)!);
  }

  /** A worker of the cell that does not move its channels. */
  followerOf(cell: string): ClusterProcess {
    const leader = this.leaderOf(cell);
    const others = this.workersOf(cell).filter(({ id }) => id !== leader.id);
    if (others.length === 0) throw new Error(`${cell} has one worker only`);
    return others[0]!;
  }

  /** Ends a process with the drill's knowledge. */
  async end(process: ClusterProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#doomed.add(process.id);
    process.kill(signal);
    await process.exited;
  }

  /** Asks a process to end; one of Plexus that does not end as it should is a finding. */
  async endWell(process: ClusterProcess): Promise<void> {
    await this.end(process, "SIGTERM");
    const { code, signal } = await process.exited;
    if (code !== 0 && process.opsUrl !== null)
      this.casualties.push(`${process.id}, asked to end, ended with ${signal ?? code}`);
  }

  /** Starts it as a supervisor does: one that ends because what it needs is away is started again. */
  async revive(process: ClusterProcess): Promise<void> {
    const { events } = this.cluster;
    this.#reviving.add(process.id);
    for (let ready = false; !ready; ) {
      const ended = new AbortController();
      const end = (id: string) => id === process.id && ended.abort();
      events.on("exit", end);
      const gaveUp = new Promise<false>((resolve) => {
        ended.signal.addEventListener("abort", () => resolve(false), { once: true });
      });
      ready = await Promise.race([process.start().then(() => true), gaveUp]);
      events.off("exit", end);
    }
    this.#reviving.delete(process.id);
  }

  /** Begins an operation through the admin API, as an operator does: `cells/eu-1/drain`. Returns its id. */
  async begin(path: string): Promise<string> {
    const { adminUrl, adminToken } = this.cluster.dev;
    const response = await fetch(`${adminUrl}/v1/${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${adminToken}`,
        connection: "close",
        "content-type": "application/json",
      },
      body: "{}",
      signal: AbortSignal.timeout(ADMIN_DEADLINE_MS),
    });
    const text = await response.text();
    if (response.status !== 202) throw new Error(`${path} was answered with ${response.status}: ${text}`);
    return (JSON.parse(text) as { operation: { id: string } }).operation.id;
  }

  /** Follows an operation until so much of it is done, or all of it. */
  async follow(id: string, share = 1): Promise<Operation> {
    return this.until(`operation ${id}`, async () => {
      const operation = await this.operations.get(id);
      if (operation === null) return undefined;
      this.operation = operation;
      if (operation.state === "failed") throw new Error(`operation ${id} failed: ${operation.error}`);
      const { moved, total } = progressOf(operation);
      const inTheMiddle = share < 1 && total > 0 && moved >= total * share;
      return operation.state !== "running" || inTheMiddle ? operation : undefined;
    });
  }

  /** Asks again and again until there is an answer. */
  async until<T>(
    what: string,
    ask: () => Promise<T | undefined> | T | undefined,
    withinMs = OPERATION_DEADLINE_MS,
  ): Promise<T> {
    const deadlineAt = performance.now() + withinMs;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (performance.now() > deadlineAt) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
      await pause(POLL_MS);
    }
  }

  /** What the logs of these cells hold. */
  async checkLogs(cells: readonly string[]): Promise<Record<string, LogCheck>> {
    const current = await this.directory.refresh();
    const checks: Record<string, LogCheck> = {};
    for (const cell of cells) checks[cell] = await checkLog(this.nats, current, cell, this.options.isolated);
    return checks;
  }

  async stop(): Promise<void> {
    this.directory.stop();
    await this.nats.close();
    await this.cluster.stop();
    if (this.options.data === undefined)
      rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function progressOf({ progress }: Operation): { moved: number; total: number } {
  let [moved, total] = [0, 0];
  for (const part of Object.values(progress)) {
    moved += part.moved;
    total += part.total;
  }
  return { moved, total };
}
