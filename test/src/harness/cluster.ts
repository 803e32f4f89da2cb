/** A whole cluster per test file: its own brokers, free ports, data in a folder that is gone afterwards. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import {
  type Cluster,
  type ClusterOptions,
  type ClusterProcess,
  type DevFile,
  startCluster,
} from "@plexus/deploy/launcher";
import { CONNECT_PATH } from "@plexus/protocol";
import { createLogger, DirectoryStore, homeOf, partitionOwner } from "@plexus/runtime";
import { type Metrics, readMetrics } from "./http.js";
import { type NatsConnection, plainNats } from "./nats.js";
import { type Encoding, RawClient } from "./raw-client.js";
import { signToken, TENANT, type TokenOptions } from "./tokens.js";

export interface TestClusterOptions extends Partial<Omit<ClusterOptions, "dataDir" | "entries">> {
  /** Settings of namespaces for all processes. */
  settings?: object;
  /** Whether it has an admin API, which most tests don't need and which takes as long to start as all else: false. */
  admin?: boolean;
  /** Whether it has what keeps lifecycle events and delivers webhooks: false. */
  hooks?: boolean;
}

export interface ConnectOptions extends TokenOptions {
  encoding?: Encoding;
  /** Connect again and again until this gateway took the connection. */
  gateway?: string;
}

/** Connections that may land elsewhere before one lands on the gateway asked for. */
const MAX_TRIES = 200;
/** A page that tests of the protocol don't need, and the log of what a process does, which they do. */
const DEFAULTS = { quiet: true, demo: false, cells: ["eu-1"], workers: 1, gateways: 1 };

/** The launcher does not start what isn't there. */
const ABSENT = "";

/** Other tests run on the same processors. That strain is not what a test is about, unless it says so. */
const NO_SHARES = {
  PLEXUS_FAIR_LAG_MS: "60000",
  PLEXUS_FAIR_UTILIZATION: "1",
  PLEXUS_FAIR_STARVATION: "1",
};

export class TestCluster {
  readonly dataDir = mkdtempSync(join(tmpdir(), "plexus-test-"));
  readonly #options: TestClusterOptions;
  readonly #clients = new Set<RawClient>();
  readonly #undo: Array<() => unknown> = [];
  #cluster: Cluster | undefined;
  #nats: NatsConnection | undefined;
  #directory: DirectoryStore | undefined;

  constructor(options: TestClusterOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { settings, admin = false, hooks = false, ...options } = this.#options;
    const env: Record<string, string> = { ...options.env };
    if (settings !== undefined) {
      env.PLEXUS_SETTINGS_FILE = join(this.dataDir, "settings.json");
      writeFileSync(env.PLEXUS_SETTINGS_FILE, JSON.stringify(settings));
    }
    const workerEnv = { ...NO_SHARES, ...options.workerEnv };
    const gatewayEnv = { ...NO_SHARES, ...options.gatewayEnv };
    const entries = { ...(!admin && { admin: ABSENT }), ...(!hooks && { hooks: ABSENT }) };
    const common = { ...DEFAULTS, ...options, env, workerEnv, gatewayEnv, entries };
    this.#cluster = await startCluster({ ...common, dataDir: this.dataDir });
  }

  /** Has something done before the cluster is stopped; the last one first. */
  beforeStop(undo: () => unknown): void {
    this.#undo.unshift(undo);
  }

  async stop(): Promise<void> {
    for (const undo of this.#undo) await undo();
    for (const client of this.#clients) client.cut();
    this.#directory?.stop();
    await this.#nats?.close();
    await this.#cluster?.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error("the cluster has not started");
    return this.#cluster;
  }
  get dev(): DevFile {
    return this.cluster.dev;
  }
  /** For WebSockets. */
  get url(): string {
    return `${this.dev.url.replace("http", "ws")}${CONNECT_PATH}`;
  }

  process(id: string): ClusterProcess {
    return this.cluster.process(id);
  }

  /** Known as soon as the server is started, before the cluster is ready. */
  get natsPort(): number {
    const config = readFileSync(join(this.dataDir, "nats.conf"), "utf8");
    return Number(/listen: "127\.0\.0\.1:(\d+)"/.exec(config)![1]);
  }

  token(user: string, options: TokenOptions = {}): Promise<string> {
    return signToken(this.dev.tokenSecret, user, options);
  }

  /** A socket that has said nothing yet. */
  async open(encoding: Encoding = "json", protocols?: string[]): Promise<RawClient> {
    const client = await RawClient.open(this.url, encoding, protocols);
    this.#clients.add(client);
    void client.closed.then(() => this.#clients.delete(client));
    return client;
  }

  /** A client that was welcomed. */
  async connect(user: string, options: ConnectOptions = {}): Promise<RawClient> {
    const token = await this.token(user, options);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const client = await this.open(options.encoding);
      const { gateway } = await client.hello(token);
      if (options.gateway === undefined || gateway === options.gateway) return client;
      client.cut();
    }
    throw new Error(`no connection landed on ${options.gateway}`);
  }

  /** A connection of a plain NATS client, shared by the file. */
  async nats(): Promise<NatsConnection> {
    this.#nats ??= await plainNats(this.dev.natsUrl);
    return this.#nats;
  }

  metrics(id: string): Promise<Metrics> {
    return readMetrics(this.process(id).opsUrl!);
  }

  log(id: string): string {
    return readFileSync(join(this.dataDir, "logs", `${id}.log`), "utf8");
  }

  /** The worker that owns a channel while all of its cell's workers live; computed as every process does. */
  async ownerOf(channel: string): Promise<{ cell: string; partition: number; worker: string }> {
    this.#directory ??= await DirectoryStore.open(await this.nats(), createLogger("test", "test", "fatal"));
    const { cell, partition } = homeOf(this.#directory.current, TENANT, channel)!;
    const workers = this.cluster.processes
      .filter((process) => process.kind === "worker" && process.cell === cell)
      .map((process) => process.id);
    return { cell, partition, worker: partitionOwner(partition, workers)! };
  }
}

/**
 * Starts a cluster before the file's tests and stops it after them, whether they passed or not.
 *
 * @param ready what else the tests need, once the cluster runs: hooks of one file do not wait for each other
 */
export function clusterForFile(
  options: TestClusterOptions = {},
  ready?: (cluster: TestCluster) => Promise<void>,
): TestCluster {
  const cluster = new TestCluster(options);
  before(async () => {
    await cluster.start();
    await ready?.(cluster);
  });
  after(() => cluster.stop());
  return cluster;
}
