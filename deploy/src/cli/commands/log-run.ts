/** What `plexus log` does. */
import { resolve } from "node:path";
import { type CommandContext, show } from "../command.js";
import { usageError } from "../errors.js";
import { findNatsUrl } from "../installation.js";
import { type Backup, backUp } from "../log/backup.js";
import { Bus } from "../log/bus.js";
import { type Restored, restore } from "../log/restore.js";
import { moment } from "../text.js";

/** A line on the terminal is renewed this often at most. */
const STATUS_EVERY_MS = 200;
const CELL = /^[a-z0-9-]{1,40}$/;

export function runBackup(context: CommandContext): Promise<number> {
  return withBus(context, async (bus, cell, file, status) => {
    const { signal } = context.terminal;
    const progress = (bytes: number) => status(`reading the log of ${cell}: ${size(bytes)}`);
    return show(context, await backUp(bus, cell, file, { signal, progress }), backupLines);
  });
}

export function runRestore(context: CommandContext): Promise<number> {
  return withBus(context, async (bus, cell, file, status) => {
    const { signal } = context.terminal;
    const replace = context.given.has("replace");
    const restored = await restore(bus, cell, file, { replace, signal, progress: status });
    return show(context, restored, restoredLines);
  });
}

async function withBus(
  { given, terminal }: CommandContext,
  run: (bus: Bus, cell: string, file: string, status: (text: string) => void) => Promise<number>,
): Promise<number> {
  const [cell, file] = [given.args[0]!, resolve(terminal.cwd, given.args[1]!)];
  if (!CELL.test(cell)) throw usageError(`"${cell}" is no cell`);
  const url = findNatsUrl(given, terminal.env, terminal.cwd);
  const bus = await Bus.open(url, given.text("domain"), terminal.env.PLEXUS_NATS_NKEY_SEED_FILE);
  let shownAt = 0;
  const status = (text: string) => {
    if (!terminal.isInteractive || terminal.now() - shownAt < STATUS_EVERY_MS) return;
    shownAt = terminal.now();
    terminal.status(text);
  };
  try {
    return await run(bus, cell, file, status);
  } finally {
    terminal.status("");
    await bus.close();
  }
}

function backupLines({ cell, file, records, channels, bytes, fileBytes, sha256, tookMs }: Backup): string[] {
  return [
    `${cell}: ${records} records of ${channels} channels, ${size(bytes)}, in ${seconds(tookMs)}`,
    `${file}: ${size(fileBytes)}, sha256 ${sha256}`,
  ];
}

function restoredLines({
  cell,
  takenAt,
  records,
  bytes,
  epoch,
  opened,
  sealed,
  kept,
  tookMs,
}: Restored): string[] {
  return [
    `${cell}: ${records} records, ${size(bytes)}, as of ${moment(takenAt)}, in ${seconds(tookMs)}`,
    `${opened} channels go on in epoch ${epoch}; ${sealed} live in other cells by now, ${kept} did so before`,
    `what was stored here after ${moment(takenAt)} is lost; start the workers of ${cell}`,
  ];
}

function size(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
