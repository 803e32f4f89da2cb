/** The processes of a local cluster: what is run, with which environment. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ChildSpec } from "./child.js";
import type { Secrets } from "./secrets.js";
import type { Topology } from "./topology.js";

/** The programs; tests put their own in place. */
export interface Entries {
  worker: string;
  gateway: string;
  /** Not started where the file does not exist. */
  admin: string;
  /** Lifecycle events and webhooks. Not started where the file does not exist. */
  hooks: string;
}

/**
 * What a worker remembers of each message (its id, for 20 seconds at least) outlives V8's youngest generation in any
 * case, and what is on its way is copied with it each time that fills: at 32 MiB instead of 16 half as often, for about a
 * tenth less CPU per publish and 20 MB more memory.
 *
 * And records are bytes outside of V8's heap, which it counts as if they had been promoted, but not when it reckons how much
 * may come until it collects everything: with large records that was every 25 MB, five times a second. Now it waits until
 * as much has come as there is on the heap: half of the CPU per publish of one busy channel.
 */
export const WORKER_FLAGS = ["--max-semi-space-size=32", "--heap-growing-percent=100"];

const repository = new URL("../../../", import.meta.url);

export const ENTRIES: Entries = {
  worker: fileURLToPath(new URL("cells/dist/main.js", repository)),
  gateway: fileURLToPath(new URL("gateway/dist/main.js", repository)),
  admin: fileURLToPath(new URL("deploy/dist/admin/main.js", repository)),
  hooks: fileURLToPath(new URL("deploy/dist/hooks/main.js", repository)),
};

export interface ProcessPlanOptions {
  cells: string[];
  /** Of each cell. */
  workers: number;
  gateways: number;
  host: string;
  port: number;
  adminPort: number;
  demo: boolean;
  /** More environment for the processes of one kind; an unknown PLEXUS_… variable is an error there. */
  workerEnv: Record<string, string>;
  gatewayEnv: Record<string, string>;
  hooksEnv: Record<string, string>;
  adminEnv: Record<string, string>;
  /** The address under which a process reaches a broker. */
  through: (process: string, url: string) => Promise<string>;
  entries: Entries;
}

/**
 * Workers first, then the admin API and what delivers webhooks, then gateways.
 *
 * @param takePort gives a free port of 127.0.0.1, for /healthz, /readyz and /metrics
 */
export async function planProcesses(
  options: ProcessPlanOptions,
  topology: Topology,
  secrets: Secrets,
  takePort: () => Promise<number>,
): Promise<ChildSpec[]> {
  const specs: ChildSpec[] = [];
  for (const cell of options.cells) {
    for (let n = 1; n <= options.workers; n++)
      specs.push(await workerSpec(options, topology, cell, n, await takePort()));
  }
  if (existsSync(options.entries.admin)) specs.push(adminSpec(options, topology, secrets, await takePort()));
  if (existsSync(options.entries.hooks)) specs.push(await hooksSpec(options, topology, await takePort()));
  for (let n = 1; n <= options.gateways; n++) {
    specs.push(await gatewaySpec(options, topology, secrets, `g${n}`, await takePort()));
  }
  return specs;
}

/** The cell's `n`-th worker, counted from 1. */
export async function workerSpec(
  options: Pick<ProcessPlanOptions, "entries" | "workerEnv" | "through">,
  topology: Topology,
  cell: string,
  n: number,
  opsPort: number,
): Promise<ChildSpec> {
  const id = `${cell}-w${n}`;
  return {
    kind: "worker",
    id,
    cell,
    ...nodeProcess([...WORKER_FLAGS, options.entries.worker], opsPort, {
      PLEXUS_CELL: cell,
      PLEXUS_REGION: cell.slice(0, cell.lastIndexOf("-")),
      PLEXUS_WORKER_ID: id,
      NATS_URL: await options.through(id, topology.natsUrl(cell)),
      REDIS_URL: await options.through(id, topology.redisUrl(cell)),
      ...topology.workerEnv,
      ...options.workerEnv,
    }),
  };
}

async function gatewaySpec(
  options: ProcessPlanOptions,
  topology: Topology,
  secrets: Secrets,
  id: string,
  opsPort: number,
): Promise<ChildSpec> {
  return {
    kind: "gateway",
    id,
    ...nodeProcess([options.entries.gateway], opsPort, {
      PLEXUS_GATEWAY_ID: id,
      PLEXUS_HOST: options.host,
      PLEXUS_PORT: String(options.port),
      NATS_URL: await options.through(id, topology.natsUrl()),
      PLEXUS_TOKEN_SECRET: secrets.tokenSecret,
      PLEXUS_DEMO: String(options.demo),
      ...options.gatewayEnv,
    }),
  };
}

function adminSpec(
  options: ProcessPlanOptions,
  topology: Topology,
  secrets: Secrets,
  opsPort: number,
): ChildSpec {
  return {
    kind: "admin",
    id: "admin",
    ...nodeProcess([options.entries.admin], opsPort, {
      PLEXUS_ADMIN_HOST: "127.0.0.1",
      PLEXUS_ADMIN_PORT: String(options.adminPort),
      PLEXUS_ADMIN_TOKEN: secrets.adminToken,
      PLEXUS_TOKEN_SECRET: secrets.tokenSecret,
      NATS_URL: topology.natsUrl(),
      ...options.adminEnv,
    }),
  };
}

async function hooksSpec(
  options: ProcessPlanOptions,
  topology: Topology,
  opsPort: number,
): Promise<ChildSpec> {
  const id = "hooks";
  return {
    kind: "hooks",
    id,
    ...nodeProcess([options.entries.hooks], opsPort, {
      NATS_URL: await options.through(id, topology.natsUrl()),
      // On one's own machine, receivers are on one's own machine.
      PLEXUS_WEBHOOK_PRIVATE_TARGETS: "true",
      ...topology.workerEnv,
      ...options.hooksEnv,
    }),
  };
}

function nodeProcess(args: readonly string[], opsPort: number, env: Record<string, string>) {
  return {
    command: [process.execPath, ...args],
    env: { ...env, PLEXUS_OPS_PORT: String(opsPort), PLEXUS_EXIT_WITH_STDIN: "1" },
    opsUrl: `http://127.0.0.1:${opsPort}`,
    leashed: false,
  };
}
