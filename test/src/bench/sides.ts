/** What is measured and what it is measured against: each side starts its servers, and says where they are. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClusterOptions, startCluster } from "@plexus/deploy/launcher";
import type { Process } from "../drill/cpu.js";
import { Child } from "../harness/child.js";
import { signToken } from "../harness/tokens.js";
import type { DialectName } from "./load/dialects.js";
import type { Target } from "./load/load.js";

export interface Side {
  readonly name: DialectName | "jetstream";
  /** What runs, in words. */
  readonly what: string;
  readonly port: number;
  readonly token: string;
  readonly natsUrl: string | null;
  processes(): readonly Process[];
  /** What its workers were asked by gateways so far, by kind of question; null where there are none. */
  questions(): Promise<Record<string, number>> | null;
  stop(): Promise<void>;
}

/** Everything on one machine of two cores: one of each process is what it has room for. */
export const SHAPE = { cells: ["eu-1"], workers: 1, gateways: 1 };
/** No admin API and no webhooks, which no message passes: the launcher does not start what isn't there. */
const ENTRIES = { admin: "", hooks: "" };

export type PlexusShape = Partial<
  Pick<ClusterOptions, "cells" | "workers" | "gateways" | "entries" | Environments>
>;
type Environments = "env" | "gatewayEnv" | "workerEnv";

export async function startPlexus(shape: PlexusShape = {}): Promise<Side> {
  const dataDir = mkdtempSync(join(tmpdir(), "plexus-bench-"));
  const gone = () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  const whole = { ...SHAPE, ...shape };
  const cluster = await startCluster({
    ...whole,
    entries: { ...ENTRIES, ...shape.entries },
    dataDir,
    quiet: true,
    demo: false,
  }).catch((error: unknown) => {
    gone();
    throw error;
  });
  return {
    name: "plexus",
    what: `${whole.gateways} gateway(s), ${whole.workers} worker(s), NATS, Redis; stored before it is shown`,
    port: Number(new URL(cluster.dev.url).port),
    token: await signToken(cluster.dev.tokenSecret, "bench"),
    natsUrl: cluster.dev.natsUrl,
    processes: () => cluster.processes,
    questions: () => questionsTo(cluster.processes),
    stop: async () => {
      await cluster.stop();
      gone();
    },
  };
}

export async function startUws(): Promise<Side> {
  const server = new Child(new URL("./servers/uws-server.js", import.meta.url));
  return {
    name: "uws",
    what: "uWebSockets.js, 1 process: topics alone, nothing stored, nothing checked",
    port: await server.ask<number>("listen", null),
    token: "",
    natsUrl: null,
    processes: () => [{ kind: "uws", pid: server.pid }],
    questions: () => null,
    stop: () => server.stop(),
  };
}

/** @param redisUrl of a Redis of its own */
export async function startSocketIo(redisUrl: string, redisPid: number): Promise<Side> {
  const server = new Child(new URL("./servers/socket-io-server.js", import.meta.url));
  const { version } = createRequire(import.meta.url)("socket.io/package.json") as { version: string };
  return {
    name: "socket.io",
    what: `Socket.IO ${version}, 1 process, Redis adapter: nothing stored`,
    port: await server.ask<number>("listen", redisUrl),
    token: "",
    natsUrl: null,
    processes: () => [
      { kind: "socket.io", pid: server.pid },
      { kind: "redis", pid: redisPid },
    ],
    questions: () => null,
    stop: () => server.stop(),
  };
}

async function questionsTo(
  processes: readonly { kind: string; opsUrl: string | null }[],
): Promise<Record<string, number>> {
  const asked: Record<string, number> = {};
  for (const { kind, opsUrl } of processes) {
    if (kind !== "worker" || opsUrl === null) continue;
    const text = await (await fetch(`${opsUrl}/metrics`)).text();
    for (const [, question, count] of text.matchAll(
      /^plexus_commands_total\{[^}]*kind="(\w+)"[^}]*\} (\d+)$/gm,
    ))
      asked[question!] = (asked[question!] ?? 0) + Number(count);
  }
  return asked;
}

/** Where a load goes that is for one of the servers that clients connect to. */
export function targetOf({ name, port, token }: Side): Target {
  if (name === "jetstream") throw new Error("clients do not connect to JetStream");
  return { dialect: name, port, token };
}
