import { closeSync, existsSync, fstatSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";

/** Per file; with the one before it, a child may fill twice this. Enough for some 50,000 lines. */
const MOST_BYTES = 10 * 1024 * 1024;

/**
 * A child's log with a bound: when it is full, it becomes `<path>.1`, in place of the one before.
 * Written synchronously (microseconds, into the page cache), so that the last words of a child that dies are there
 * and rotating needs no queue.
 */
export class LogFile {
  readonly path: string;
  readonly #mostBytes: number;
  #fd: number;
  #bytes: number;

  constructor(path: string, mostBytes = MOST_BYTES) {
    this.path = path;
    this.#mostBytes = mostBytes;
    this.#fd = open(path);
    this.#bytes = fstatSync(this.#fd).size;
  }

  write(chunk: Uint8Array): void {
    if (this.#fd === -1) return;
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#mostBytes) this.#rotate();
    try {
      this.#bytes += writeSync(this.#fd, chunk);
    } catch (error) {
      // A full disk must not end the launcher, and there is no place left to say it but the terminal.
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      process.stderr.write(`${this.path}: no space left, log lines are lost\n`);
    }
  }

  /** The last lines, for a person who has to find out why a child died. */
  tail(lines: number): string {
    const files = [`${this.path}.1`, this.path].filter((path) => existsSync(path));
    const text = files.map((path) => readFileSync(path, "utf8")).join("");
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  }

  close(): void {
    if (this.#fd === -1) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  #rotate(): void {
    closeSync(this.#fd);
    renameSync(this.path, `${this.path}.1`);
    this.#fd = open(this.path);
    this.#bytes = 0;
  }
}

function open(path: string): number {
  return openSync(path, "a", 0o600);
}
