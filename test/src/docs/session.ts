/** A reader of a page: a folder that looks like the root of a clone, a shell, and other terminals beside it. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until, within } from "../harness/wait.js";
import type { Program } from "./blocks.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
// Inside of the repository, so that its packages are found as they are from the root of a clone.
const FOLDERS = fileURLToPath(new URL("pages/", import.meta.url));
const NOT_IN_A_CLONE = [".git", ".plexus", ".turbo"];
/** What steers the tests must not steer what readers type. */
const FOREIGN = /^(?:PLEXUS_|NATS_URL$|REDIS_URL$|NODE_TEST)/;
const COMMAND_DEADLINE_MS = 60_000;
/** The same as `npx` and `curl` in a terminal: without a search for the package, and without a progress meter. */
const PRELUDE = `
exec 2>&1
set -a
npx() { if [ "$1" = plexus ]; then shift; plexus "$@"; else command npx "$@"; fi; }
curl() { command curl -sS "$@"; }
`;
const END = "-- end of the command --";

export interface Result {
  readonly output: string;
  /** The command that failed, or "". */
  readonly failed: string;
}

/** What a page's addresses are here. */
export type Here = (text: string) => string;

export class Session {
  readonly #folder: string;
  readonly #here: Here;
  readonly #prelude: string;
  readonly #main: Terminal;
  readonly #others: Terminal[] = [];

  /** @param prelude what each of its shells begins with */
  constructor(page: string, dataDir: string, programs: readonly Program[], here: Here, prelude: string) {
    this.#prelude = PRELUDE + prelude;
    this.#folder = join(FOLDERS, page.replace(/\W/g, "-"));
    this.#here = here;
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder, { recursive: true });
    for (const entry of readdirSync(ROOT))
      if (!NOT_IN_A_CLONE.includes(entry)) symlinkSync(join(ROOT, entry), join(this.#folder, entry));
    symlinkSync(dataDir, join(this.#folder, ".plexus"));
    for (const { name, text } of programs) writeFileSync(join(this.#folder, name), here(text));
    this.#main = new Terminal(this.#folder, this.#prelude);
  }

  run(command: string): Promise<Result> {
    return this.#main.run(this.#here(command));
  }

  /** In a terminal of its own, from when it has printed the words. */
  async beside(command: string, words: string): Promise<void> {
    const terminal = new Terminal(this.#folder, this.#prelude);
    this.#others.push(terminal);
    // What the page has set in one terminal, its reader sets in the other.
    await this.#main.run("export -p > .variables");
    await terminal.run(". ./.variables");
    const ended = terminal.run(this.#here(command)).then(({ output }) => {
      if (!output.includes(words)) throw new Error(`it ended without "${words}": ${output}`);
    });
    const printed = until(`"${words}"`, () => terminal.output.includes(words), COMMAND_DEADLINE_MS);
    await Promise.race([printed, ended]).catch((cause: Error) => {
      throw new Error(`${cause.message}; it printed: ${terminal.output}`, { cause });
    });
  }

  async end(): Promise<void> {
    for (const terminal of [this.#main, ...this.#others]) await terminal.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A shell that keeps its variables from command to command. */
class Terminal {
  output = "";
  readonly #folder: string;
  readonly #shell: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  #isOver = false;

  constructor(folder: string, prelude: string) {
    this.#folder = folder;
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)));
    const options = { cwd: folder, env, stdio: "pipe" as const, detached: true };
    this.#shell = spawn("bash", ["--noprofile", "--norc"], options);
    this.#shell.stdout.on("data", (chunk) => {
      this.output += String(chunk);
    });
    this.#ended = once(this.#shell, "exit").then(() => {
      this.#isOver = true;
    });
    this.#shell.stdin.write(`${prelude}\n`);
  }

  async run(command: string): Promise<Result> {
    const file = join(this.#folder, `.command-${Math.random().toString(36).slice(2)}`);
    // The first line that fails is remembered; those behind it are run all the same, as in a terminal.
    writeFileSync(file, `failed=\ntrap 'failed="\${failed:-$BASH_COMMAND}"' ERR\n${command}\ntrap - ERR\n`);
    const from = this.output.length;
    this.#shell.stdin.write(`. ${file} </dev/null\nprintf '\\n%s %s\\n' '${END}' "$failed"\n`);
    const end = new RegExp(`\\n${END} (.*)\\n`);
    const found = until(
      `the end of: ${command}`,
      () => this.#isOver || end.exec(this.output.slice(from)) || undefined,
      COMMAND_DEADLINE_MS,
    );
    const match = await found.catch((cause: Error) => {
      throw new Error(`${cause.message}; it printed: ${this.output.slice(from)}`, { cause });
    });
    if (match === true) return { output: this.output.slice(from), failed: command };
    return { output: this.output.slice(from, from + match.index), failed: match[1]! };
  }

  /** Ends the shell and all that it left running. */
  async end(): Promise<void> {
    try {
      process.kill(-this.#shell.pid!, "SIGTERM");
      await within("the shell to end", Promise.race([this.#ended, this.#killLater()]));
    } catch (error) {
      // Nothing of it runs any more.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** Bash waits for a command in the foreground before it heeds SIGTERM; a process may ignore it. */
  async #killLater(): Promise<void> {
    const timer = setTimeout(() => process.kill(-this.#shell.pid!, "SIGKILL"), 3_000);
    await this.#ended;
    clearTimeout(timer);
  }
}
