import { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import { freePort } from "@plexus/runtime";
import { BotAccess } from "./bot-access.js";
import { addressOf, BROKER_VARIABLES, brokerAccepts, brokerAnswers, brokerSpec } from "./brokers.js";
import type { ChildSpec, Exit } from "./child.js";
import { DataFolder } from "./data-folder.js";
import { type DevFile, type DevProcess, type ProcessKind, writeDevFile } from "./dev-file.js";
import { childEnvironment } from "./environment.js";
import { ClusterError } from "./errors.js";
import { type ClusterOptions, type CompleteOptions, withDefaults } from "./options.js";
import { planProcesses, workerSpec } from "./plan.js";
import { assertPortFree } from "./ports.js";
import { readableLine } from "./readable.js";
import { isReady, until } from "./ready.js";
import { untilSettled } from "./settled.js";
import { SupervisedChild } from "./supervised.js";
import { planIsolatedTopology, planTopology, type Topology } from "./topology.js";

/** A child that died so often before everything was ready will not get ready: the start fails. */
const DEATHS_BEFORE_GIVING_UP = 3;
/** For brokers that somebody else runs: they are there, or the address is wrong. */
const EXTERNAL_DEADLINE_MS = 5_000;
const SAY_WAITING_EVERY_MS = 3_000;
const SHOWN_LOG_LINES = 8;

export interface ClusterEvents {
  /** Something a person would want to know, in one line. */
  line: [text: string];
  /** A process ended without having been asked to by `stop`. */
  exit: [id: string, exit: Exit];
  /** A process runs again. */
  restart: [id: string, pid: number];
}

/** One process of a running cluster. */
export interface ClusterProcess {
  readonly kind: ProcessKind;
  readonly id: string;
  readonly cell?: string;
  readonly opsUrl: string | null;
  /** Of the run under way, or of the last one. */
  readonly pid: number;
  /** The end of the run under way (at the time of asking), or of the last one. */
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  /**
   * Starts it again after its end, without waiting for the supervisor; resolves when it is ready. Rejects with
   * `ClusterError` where it ends instead and the cluster does not restart processes.
   */
  start(): Promise<void>;
  /** Resolves when it says that it is ready; rejects as `start` does. */
  ready(): Promise<void>;
}

/**
 * All of Plexus on this machine: brokers, workers, gateways, admin API; as `npm start` and the tests run it.
 */
export class Cluster {
  readonly events = new EventEmitter<ClusterEvents>();
  readonly #options: CompleteOptions;
  /** Ends every wait; its reason is why the cluster does not go on. */
  readonly #abort = new AbortController();
  readonly #children: SupervisedChild[] = [];
  #env: Record<string, string> = {};
  #folder: DataFolder | undefined;
  #topology: Topology | undefined;
  #dev: DevFile | undefined;
  #botAccess: BotAccess | undefined;
  #starting: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ClusterOptions) {
    this.#options = withDefaults(options);
    if (!this.#options.quiet) this.events.on("line", (text) => console.log(text));
  }

  /**
   * Resolves when everything is ready, cells that are new have joined, and dev.json is written; if it can't be, everything
   * is stopped again.
   */
  async start(): Promise<void> {
    const timer = setTimeout(() => this.#giveUpWaiting(), this.#options.readyWithinMs);
    this.#starting = this.#start();
    try {
      await this.#starting;
    } catch (error) {
      const cause = this.#abort.signal.aborted ? this.#abort.signal.reason : error;
      await this.stop();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  /** For browsers: http://host:port */
  get url(): string {
    return this.dev.url;
  }

  /** What dev.json says, up to date. */
  get dev(): DevFile {
    if (!this.#dev) throw new ClusterError("the cluster is not ready");
    return { ...this.#dev, processes: this.#children.map(describe) };
  }

  get processes(): readonly ClusterProcess[] {
    return this.#children.map((child) => this.#handle(child));
  }

  /** The process of that id: g1, eu-1-w2, admin, nats, redis. */
  process(id: string): ClusterProcess {
    const child = this.#children.find((candidate) => candidate.spec.id === id);
    if (!child)
      throw new Error(`no process ${id}; there are ${this.#children.map((c) => c.spec.id).join(", ")}`);
    return this.#handle(child);
  }

  /**
   * Starts more workers, of a cell that runs or of a new one (with the brokers that it needs); resolves when they are
   * ready, which those of a new cell are once it has joined.
   */
  async addWorkers(cell: string, count: number): Promise<ClusterProcess[]> {
    const [folder, topology] = [this.#folder, this.#topology];
    if (!this.#dev || !folder || !topology) throw new ClusterError("the cluster is not ready");
    const brokers = await topology.addCell(cell);
    await this.#startAll(brokers.map((plan) => this.#add(brokerSpec(plan, folder.path), folder)));
    const have = this.#children.filter(({ spec }) => spec.kind === "worker" && spec.cell === cell).length;
    const added: SupervisedChild[] = [];
    for (let n = have + 1; n <= have + count; n++)
      added.push(this.#add(await workerSpec(this.#options, topology, cell, n, await freePort()), folder));
    await this.#startAll(added);
    this.#writeDevFile();
    return added.map((child) => this.#handle(child));
  }

  /** Stops what was started, and nothing else: gateways, then workers, then brokers. May be called at any time. */
  stop(): Promise<void> {
    this.#abort.abort(new ClusterError("the cluster was stopped"));
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** SIGKILL for everything, now. For the second Ctrl-C. */
  stopAtOnce(): void {
    this.#abort.abort(new ClusterError("the cluster was stopped"));
    for (const child of this.#children) child.stopAtOnce();
    this.#folder?.close();
  }

  async #start(): Promise<void> {
    const options = this.#options;
    for (const entry of [options.entries.worker, options.entries.gateway]) {
      if (!existsSync(entry))
        throw new ClusterError(`${entry} is missing: has it been built? (npm run build)`);
    }
    this.#folder = new DataFolder(options.dataDir);
    const { env, dropped, tracing } = childEnvironment(process.env, options.env);
    if (dropped.length > 0) this.#say(`not passed on to the processes: ${dropped.join(", ")}`);
    this.#env = env;
    options.workerEnv = { ...tracing, ...options.workerEnv };
    options.gatewayEnv = { ...tracing, ...options.gatewayEnv };
    options.adminEnv = { ...tracing, ...options.adminEnv };
    const port = options.port || (await freePort());
    const adminPort = options.adminPort || (await freePort());
    await assertPortFree(options.host, port, "--port");
    await assertPortFree("127.0.0.1", adminPort, "--admin-port");
    await this.#startBrokers(this.#folder);
    this.#botAccess = this.#keepBotAccess(this.#folder.path);
    await this.#startProcesses(this.#folder, port, adminPort);
  }

  /** Undefined where the server that bots come to is somebody else's. */
  #keepBotAccess(folder: string): BotAccess | undefined {
    const server = this.#children.find(({ spec }) => spec.kind === "nats" && spec.cell === undefined);
    if (server === undefined) return undefined;
    return new BotAccess({
      natsUrl: this.#topology!.natsUrl(),
      folder,
      reload: () => server.kill("SIGHUP"),
      failed: (error) => this.#say(`bots can't be given access: ${error}`),
    });
  }

  async #startBrokers(folder: DataFolder): Promise<void> {
    const { cells, isolated } = this.#options;
    this.#topology = isolated
      ? await planIsolatedTopology(cells, freePort)
      : await planTopology(this.#options, freePort);
    const own = this.#topology.brokers.map((plan) => this.#add(brokerSpec(plan, folder.path), folder));
    await this.#startAll(own);
    const { natsUrl, redisUrl } = this.#options;
    if (natsUrl) await this.#awaitExternal("nats", natsUrl);
    if (redisUrl) await this.#awaitExternal("redis", redisUrl);
  }

  async #awaitExternal(kind: "nats" | "redis", url: string): Promise<void> {
    const { host, port } = addressOf(kind, url); // not the URL itself, which may hold a password
    const variable = BROKER_VARIABLES[kind];
    const timer = setTimeout(() => {
      const cure = `${variable} names it: start it, or unset ${variable} to have one started.`;
      this.#abort.abort(new ClusterError(`The ${kind} server at ${host}:${port} does not answer. ${cure}`));
    }, EXTERNAL_DEADLINE_MS);
    await until(() => brokerAccepts(kind, url), this.#abort.signal).finally(() => clearTimeout(timer));
  }

  async #startProcesses(folder: DataFolder, port: number, adminPort: number): Promise<void> {
    const topology = this.#topology!;
    const { secrets } = folder;
    const plan = { ...this.#options, port, adminPort };
    const specs = await planProcesses(plan, topology, secrets, freePort);
    await this.#startAll(specs.map((spec) => this.#add(spec, folder)));
    const { PLEXUS_NATS_NKEY_SEED_FILE: seedFile } = { ...process.env, ...this.#options.env };
    const unsettled = await untilSettled(topology.natsUrl(), this.#abort.signal, { seedFile });
    this.#abort.signal.throwIfAborted();
    if (unsettled !== undefined) this.#say(unsettled);
    const host =
      this.#options.host === "0.0.0.0" || this.#options.host === "::" ? "127.0.0.1" : this.#options.host;
    const hasAdmin = specs.some((spec) => spec.kind === "admin");
    this.#dev = {
      url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
      adminUrl: hasAdmin ? `http://127.0.0.1:${adminPort}` : null,
      adminToken: secrets.adminToken,
      tokenSecret: secrets.tokenSecret,
      natsUrl: topology.natsUrl(),
      redisUrl: topology.redisUrl(),
      processes: [],
    };
    this.#writeDevFile();
  }

  #add(spec: ChildSpec, folder: DataFolder): SupervisedChild {
    const child = new SupervisedChild({
      spec,
      log: folder.log(spec.id),
      env: this.#env,
      restarts: this.#options.restart,
      events: {
        started: () => this.#onStarted(child),
        died: (_, exit, restartInMs) => this.#onDied(child, exit, restartInMs),
      },
    });
    this.#children.push(child);
    return child;
  }

  async #startAll(children: SupervisedChild[]): Promise<void> {
    const waiting = new Set(children);
    const timer = setInterval(() => {
      this.#say(`waiting for ${[...waiting].map((child) => child.spec.id).join(", ")}`);
    }, SAY_WAITING_EVERY_MS);
    try {
      this.#abort.signal.throwIfAborted();
      const started = await Promise.allSettled(children.map((child) => child.start()));
      const failed = started.find((outcome) => outcome.status === "rejected");
      if (failed) throw failed.reason;
      await Promise.all(children.map((child) => this.#untilReady(child).then(() => waiting.delete(child))));
    } finally {
      clearInterval(timer);
    }
  }

  /** @param isOver ends the wait without an answer */
  #untilReady({ spec }: SupervisedChild, isOver = () => false): Promise<void> {
    const ask = async () => {
      if (isOver()) return true;
      if (spec.opsUrl !== null) return isReady(spec.opsUrl);
      return spec.kind === "nats" ? this.#natsAnswers(spec.cell) : this.#redisAnswers(spec.cell);
    };
    return until(ask, this.#abort.signal);
  }

  /** Rejects where it ended and nobody starts it again. */
  async #untilReadyOrOver(child: SupervisedChild): Promise<void> {
    await this.#untilReady(child, () => child.isOver);
    if (child.isOver) throw new ClusterError(`${nameOf(child)} has ended.\n${lastWords(child)}`);
  }

  #natsAnswers(cell?: string): Promise<boolean> {
    return brokerAnswers("nats", this.#topology!.natsUrl(cell));
  }

  #redisAnswers(cell?: string): Promise<boolean> {
    return brokerAnswers("redis", this.#topology!.redisUrl(cell));
  }

  #onStarted(child: SupervisedChild): void {
    if (child.deaths === 0 || this.#abort.signal.aborted) return;
    this.#writeDevFile();
    const { pid } = child;
    const isPast = () => child.pid !== pid; // it died once more, and the next run is waited for by itself
    this.#untilReady(child, isPast).then(
      () => {
        if (isPast()) return;
        this.#say(`${nameOf(child)} is back, pid ${pid}`);
        this.events.emit("restart", child.spec.id, pid);
      },
      () => undefined, // the cluster was stopped first
    );
  }

  #onDied(child: SupervisedChild, exit: Exit, restartInMs: number | null): void {
    const how = exit.signal === null ? `ended with exit code ${exit.code}` : `was ended by ${exit.signal}`;
    if (this.#dev === undefined && (restartInMs === null || child.deaths >= DEATHS_BEFORE_GIVING_UP)) {
      this.#abort.abort(new ClusterError(`${nameOf(child)} did not start: it ${how}.\n${lastWords(child)}`));
      return;
    }
    const next = restartInMs === null ? "" : `, starts again in ${restartInMs / 1000} s`;
    this.#say(`${nameOf(child)} ${how}${next}`);
    this.events.emit("exit", child.spec.id, exit);
  }

  #giveUpWaiting(): void {
    const seconds = this.#options.readyWithinMs / 1000;
    const last = this.#children.at(-1);
    const what = last ? `Not everything got ready within ${seconds} s.` : `No start within ${seconds} s.`;
    this.#abort.abort(
      new ClusterError(`${what} The logs are in ${this.#folder?.path ?? "the data folder"}/logs.`),
    );
  }

  async #stop(): Promise<void> {
    // Every wait in there ends with the abort; what it has begun to spawn must be known before it can be stopped.
    await this.#starting?.catch(() => undefined);
    await this.#botAccess?.stop();
    for (const kinds of [["gateway", "admin"], ["hooks"], ["worker"], ["nats", "redis"]]) {
      await Promise.all(this.#children.filter((c) => kinds.includes(c.spec.kind)).map((c) => c.stop()));
    }
    this.#folder?.close();
  }

  #handle(child: SupervisedChild): ClusterProcess {
    const { kind, id, cell, opsUrl } = child.spec;
    return {
      kind,
      id,
      ...(cell !== undefined && { cell }),
      opsUrl,
      get pid() {
        return child.pid;
      },
      get exited() {
        return child.exited;
      },
      kill: (signal) => child.kill(signal),
      start: async () => {
        await child.start();
        await this.#untilReadyOrOver(child);
      },
      ready: () => this.#untilReadyOrOver(child),
    };
  }

  #writeDevFile(): void {
    if (this.#dev && this.#folder) writeDevFile(this.#folder.path, this.dev);
  }

  #say(text: string): void {
    this.events.emit("line", text);
  }
}

/** Starts a cluster and waits until it is ready. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new Cluster(options);
  await cluster.start();
  return cluster;
}

function describe({ spec: { kind, id, cell, opsUrl }, pid }: SupervisedChild): DevProcess {
  return { kind, id, ...(cell !== undefined && { cell }), pid, opsUrl };
}

function nameOf({ spec }: SupervisedChild): string {
  return spec.id.startsWith(spec.kind) ? spec.id : `${spec.kind} ${spec.id}`;
}

function lastWords(child: SupervisedChild): string {
  const lines = child.log.tail(SHOWN_LOG_LINES).split("\n").map(readableLine);
  return `The end of its log, ${child.log.path}:\n  ${lines.join("\n  ")}`;
}
