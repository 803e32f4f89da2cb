import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClusterError } from "./errors.js";
import { processStart } from "./process-start.js";

/** Held by the launcher that owns a data folder. */
export interface FolderLock {
  release(): void;
}

interface Owner {
  pid: number;
  /** When that process was started, where the system tells: a pid alone may by now be somebody else's. */
  startedAt: string | null;
}

/**
 * Takes the data folder for this process. Throws if another living launcher has it; a lock that a dead one left
 * behind is taken over.
 */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, "launcher.lock");
  const own: Owner = { pid: process.pid, startedAt: processStart(process.pid) };
  if (!create(path, own)) {
    assertStale(path);
    setAside(path);
    if (!create(path, own)) throw inUse(path, readOwner(path));
  }
  return { release: () => rmSync(path, { force: true }) };
}

function create(path: string, owner: Owner): boolean {
  try {
    writeFileSync(path, JSON.stringify(owner), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Moved away and looked at again, because another launcher may have replaced the stale lock in the meantime. */
function setAside(path: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    assertStale(aside);
  } catch (error) {
    linkSync(aside, path);
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function assertStale(path: string): void {
  const owner = readOwner(path);
  if (owner && isAlive(owner)) throw inUse(path, owner);
}

function inUse(path: string, owner: Owner | undefined): ClusterError {
  return new ClusterError(
    `Another launcher (process ${owner?.pid ?? "unknown"}) uses this data folder; end it, or name another with --data. The lock is ${path}.`,
  );
}

function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Owner;
  } catch (error) {
    // A launcher that died between creating and writing leaves an empty file; one that ended leaves none.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive({ pid, startedAt }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = processStart(pid);
  return startedAt === null || now === null || now === startedAt;
}
