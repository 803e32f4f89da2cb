import type { Terminal } from "../command.js";

/** A terminal that keeps what is printed. */
export class TestTerminal implements Terminal {
  readonly lines: string[] = [];
  readonly notes: string[] = [];
  readonly statuses: string[] = [];
  readonly isInteractive = false;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly #abort = new AbortController();

  constructor(env: NodeJS.ProcessEnv = {}, cwd = "/") {
    this.env = env;
    this.cwd = cwd;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  get text(): string {
    return this.lines.join("\n");
  }

  interrupt(): void {
    this.#abort.abort();
  }
  out(line: string): void {
    this.lines.push(line);
  }
  note(line: string): void {
    this.notes.push(line);
  }
  status(line: string): void {
    this.statuses.push(line);
  }
  now(): number {
    return Date.now();
  }
}
