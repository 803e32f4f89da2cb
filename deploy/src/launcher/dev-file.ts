import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "./files.js";

export type ProcessKind = "gateway" | "worker" | "admin" | "hooks" | "nats" | "redis";

/** One running process of a local cluster. */
export interface DevProcess {
  kind: ProcessKind;
  id: string;
  cell?: string;
  pid: number;
  /** Base of /healthz, /readyz and /metrics; null for brokers, which serve none. */
  opsUrl: string | null;
}

/** `dev.json`: all that a tool or test needs to talk to a local cluster. Holds secrets. */
export interface DevFile {
  /** For browsers; clients connect to the same with ws: and /v1/connect. */
  url: string;
  /** null where no admin API runs. */
  adminUrl: string | null;
  adminToken: string;
  tokenSecret: string;
  natsUrl: string;
  redisUrl: string;
  processes: DevProcess[];
}

export function devFilePath(folder: string): string {
  return join(folder, "dev.json");
}

export function writeDevFile(folder: string, dev: DevFile): void {
  writeFileAtomically(devFilePath(folder), `${JSON.stringify(dev, null, 2)}\n`);
}

export function removeDevFile(folder: string): void {
  rmSync(devFilePath(folder), { force: true });
}

/** Throws with a hint if no cluster is running on this folder. */
export function readDevFile(folder: string): DevFile {
  const path = devFilePath(folder);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as DevFile;
  } catch (error) {
    throw new Error(`${path} cannot be read: is Plexus running? (npm start)`, { cause: error });
  }
}
