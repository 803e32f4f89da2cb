import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { removeDevFile } from "./dev-file.js";
import { ClusterError } from "./errors.js";
import { type FolderLock, lockFolder } from "./lock.js";
import { LogFile } from "./log-file.js";
import { loadSecrets, type Secrets } from "./secrets.js";

/** Everything of a local cluster that lasts: brokers' data, logs, secrets. Owned by one launcher at a time. */
export class DataFolder {
  readonly path: string;
  readonly secrets: Secrets;
  readonly #lock: FolderLock;
  readonly #logs: LogFile[] = [];

  /** Throws if another launcher owns the folder. */
  constructor(path: string) {
    this.path = resolve(path);
    makeFolder(join(this.path, "logs"));
    this.#lock = lockFolder(this.path);
    try {
      removeDevFile(this.path); // of a launcher that could not do so itself
      this.secrets = loadSecrets(this.path);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  log(id: string): LogFile {
    const log = new LogFile(join(this.path, "logs", `${id}.log`));
    this.#logs.push(log);
    return log;
  }

  /** What is left is what the next launcher needs, and the logs. */
  close(): void {
    for (const log of this.#logs) log.close();
    removeDevFile(this.path);
    this.#lock.release();
  }
}

function makeFolder(path: string): void {
  try {
    makeLevels(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ClusterError(`${path} can't be made (${code}): name another data folder with --data.`, {
      cause,
    });
  }
}

/** Node's own `recursive` does not end where a level is neither there nor can be made, as in /proc. */
function makeLevels(path: string): void {
  if (existsSync(path)) return;
  makeLevels(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!existsSync(path)) throw error; // else somebody else has just made it
  }
}
