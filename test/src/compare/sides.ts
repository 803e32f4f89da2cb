/** What is compared: each side starts its servers, and says where they are. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCluster } from "@plexus/deploy/launcher";
import type { Process } from "../drill/cpu.js";
import { Child } from "../harness/child.js";
import { signToken } from "../harness/tokens.js";
import type { SideName } from "./crowd-types.js";

export interface Side {
  readonly name: SideName;
  /** What it is, in words. */
  readonly what: string;
  readonly port: number;
  readonly token: string;
  processes(): readonly Process[];
  stop(): Promise<void>;
}

/** A whole cluster, as `npm start` runs it: two cells' worth of processes are not needed for one channel. */
export async function startPlexus(): Promise<Side> {
  const dataDir = mkdtempSync(join(tmpdir(), "plexus-compare-"));
  const gone = () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  const shape = { cells: ["eu-1"], workers: 2, gateways: 2 };
  const cluster = await startCluster({ ...shape, dataDir, quiet: true, demo: false }).catch(
    (error: unknown) => {
      gone();
      throw error;
    },
  );
  return {
    name: "plexus",
    what: "2 gateways, 2 workers, NATS, Redis, admin API; every message stored before it is acknowledged",
    port: Number(new URL(cluster.dev.url).port),
    token: await signToken(cluster.dev.tokenSecret, "compare"),
    processes: () => cluster.processes,
    stop: async () => {
      await cluster.stop();
      gone();
    },
  };
}

export async function startSocketIo(): Promise<Side> {
  const server = new Child(new URL("./socket-io-server.js", import.meta.url));
  const { version } = createRequire(import.meta.url)("socket.io/package.json") as { version: string };
  return {
    name: "socket.io",
    what: `Socket.IO ${version}, 1 process, connection state recovery on, in-memory adapter: nothing is stored on disk`,
    port: await server.ask<number>("listen", null),
    token: "",
    processes: () => [{ kind: "socket.io", pid: server.pid }],
    stop: () => server.stop(),
  };
}

export const SIDES: Record<SideName, () => Promise<Side>> = {
  plexus: startPlexus,
  "socket.io": startSocketIo,
};
