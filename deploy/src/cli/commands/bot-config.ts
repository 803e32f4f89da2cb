import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { writeFileAtomically } from "../../launcher/files.js";
import { type Command, type CommandContext, show } from "../command.js";
import { CliError, EXIT, usageError } from "../errors.js";

const AUTHORIZATION = "/v1/bots/authorization";
/** The server may run as another user, and nothing in it is secret. */
const MODE = 0o644;
/** Revoked bots are to be gone within seconds. */
const LOOK_EVERY_MS = 1_000;

export const botConfig: Command = {
  name: "bot config",
  args: [],
  options: ["file", "pid-file", "watch"],
  summary: "the part of the NATS server's configuration that lets bots log in",
  examples: [
    "plexus bot config > bots.conf",
    "plexus bot config --watch --file /etc/nats/bots.conf --pid-file /run/nats.pid",
  ],
  more: [
    'The server\'s own configuration includes it: include "bots.conf". With --watch the file is written again whenever',
    "a bot comes or goes, and the server in the pid file is told to read it (SIGHUP). It holds no secrets.",
  ],
  run: async (context) => {
    const { api, given, terminal } = context;
    const [file, pidFile] = [given.text("file"), given.text("pid-file")];
    if (given.has("watch") && file === undefined) throw usageError("--watch needs --file");
    if (pidFile !== undefined && file === undefined) throw usageError("--pid-file needs --file");
    if (file === undefined) {
      terminal.out((await api.text(AUTHORIZATION)).trimEnd());
      return EXIT.ok;
    }
    const target = resolve(terminal.cwd, file);
    let changed = update(target, await api.text(AUTHORIZATION), pidFile);
    show(context, { changed, file: target }, () => [changed ? `written: ${file}` : `up to date: ${file}`]);
    while (given.has("watch") && !terminal.signal.aborted) {
      await pause(LOOK_EVERY_MS, undefined, { signal: terminal.signal }).catch(() => undefined);
      changed = await look(context, target, pidFile);
      if (changed) terminal.out(`written: ${file}`);
    }
    return EXIT.ok;
  },
};

/** While the admin API can't be reached the file stays as it is. */
async function look({ api, terminal }: CommandContext, file: string, pidFile?: string): Promise<boolean> {
  if (terminal.signal.aborted) return false;
  try {
    return update(file, await api.text(AUTHORIZATION), pidFile);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    terminal.note(`plexus: ${error.message}`);
    return false;
  }
}

/** Whether the file was another one. */
function update(file: string, text: string, pidFile: string | undefined): boolean {
  if (read(file) === text) return false;
  writeFileAtomically(file, text, MODE);
  if (pidFile !== undefined) tell(pidFile);
  return true;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function tell(pidFile: string): void {
  const pid = Number(read(pidFile));
  if (!Number.isSafeInteger(pid) || pid <= 1)
    throw new CliError(EXIT.failed, `${pidFile} holds no process id, so the server was not told`);
  process.kill(pid, "SIGHUP");
}
