import { logStream } from "@plexus/protocol";
import { describeIncarnation, LOG_BEING_RESTORED } from "@plexus/runtime";
import { CliError, EXIT } from "../errors.js";
import { type BackupHeader, BackupReader } from "./backup-file.js";
import type { Bus, CellState } from "./bus.js";
import { goOn, type WentOn } from "./go-on.js";
import { RunningWorkers } from "./running-workers.js";
import { writeSnapshot } from "./snapshot.js";

export interface Restored extends WentOn {
  cell: string;
  file: string;
  takenAt: number;
  records: number;
  lastSeq: number;
  bytes: number;
  /** The epoch in which the channels go on. */
  epoch: string;
  tookMs: number;
}

export interface RestoreOptions {
  replace: boolean;
  signal: AbortSignal;
  /** A line for a person. */
  progress: (text: string) => void;
}

/**
 * Makes a cell's log anew from a file, while no worker of the cell runs. Nothing is changed before the file was found
 * to be whole and everything that is needed to be there. What is interrupted after that leaves a log from which no
 * worker serves, and is made good by the same command again.
 */
export async function restore(
  bus: Bus,
  cell: string,
  file: string,
  options: RestoreOptions,
): Promise<Restored> {
  const startedAt = Date.now();
  const backup = await BackupReader.open(file);
  let workers: RunningWorkers | undefined;
  try {
    const { header } = backup;
    if (bus.isOwnServerOf(cell))
      throw new CliError(
        EXIT.refused,
        "the directory is not on the cell's own server",
        "Give that of the hub.",
      );
    if (header.cell !== cell)
      throw new CliError(EXIT.refused, `${file} is a backup of ${header.cell}, not of ${cell}`);
    workers = await RunningWorkers.listen(bus, cell);
    workers.assertNone();
    const cells = await bus.cells();
    const others = await otherLogs(bus, cell, cells);
    if (options.signal.aborted) throw new CliError(EXIT.interrupted, "interrupted; nothing was changed");
    await makeRoom(bus, cell, cells.find(({ id }) => id === cell)?.state, options.replace);
    let sent = 0;
    const { state } = await writeSnapshot(
      bus,
      header,
      interruptible(backup.chunks(), options.signal),
      (bytes) => {
        sent += bytes;
        options.progress(
          `restoring ${logStream(cell)}: ${Math.floor((sent / backup.snapshotBytes) * 100)} %`,
        );
      },
    );
    workers.assertNone();
    const epoch = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
    const log = { cell, others, epoch, restoredTo: state.last_seq };
    const went = await goOn(bus, log, (channels) => {
      if (options.signal.aborted) throw interrupted();
      options.progress(`looking where channels go on: ${channels}`);
    });
    workers.assertNone();
    await bringIntoUse(bus, header, epoch);
    const { messages: records, last_seq: lastSeq, bytes } = state;
    const tookMs = Date.now() - startedAt;
    return { cell, file, takenAt: header.takenAt, records, lastSeq, bytes, epoch, ...went, tookMs };
  } finally {
    workers?.stop();
    await backup.close();
  }
}

/** A channel may live there by now, so all of them have to answer; but for those that were given up. */
async function otherLogs(bus: Bus, cell: string, cells: readonly CellState[]): Promise<string[]> {
  const others: string[] = [];
  for (const { id, state } of cells) {
    if (id === cell) continue;
    try {
      if ((await bus.info(id)) !== undefined) others.push(id);
    } catch (cause) {
      if (state === "down") continue;
      if (!(cause instanceof CliError)) throw cause;
      const hint = `Start its brokers, or give it up: plexus down ${id}.`;
      throw new CliError(EXIT.unavailable, `the log of ${id} does not answer; channels may live there`, hint);
    }
  }
  return others;
}

async function makeRoom(bus: Bus, cell: string, state: string | undefined, replace: boolean): Promise<void> {
  await dropMirror(bus, cell, state, replace);
  const found = await bus.info(cell);
  if (found === undefined) return;
  const isUnfinished = found.config.description === LOG_BEING_RESTORED;
  if (found.state.last_seq > 0 && !isUnfinished && !replace)
    throw new CliError(
      EXIT.refused,
      `cell ${cell} has a log with ${found.state.messages} records`,
      "Back it up, then give --replace to remove it.",
    );
  await bus.delete(cell);
}

/** A mirror is read where the log does not answer: one that the log is not the source of any more must not be. */
async function dropMirror(
  bus: Bus,
  cell: string,
  state: string | undefined,
  replace: boolean,
): Promise<void> {
  const hub = bus.hubDomain;
  if (hub === undefined || (await bus.info(cell, hub)) === undefined) return;
  if ((state === "drained" || state === "draining") && !replace) {
    const why = `cell ${cell} is ${state}, and the hub has a mirror of its log, which is newer than any backup`;
    const hint = "The mirror is read in the log's place: nothing is lost. --replace removes it.";
    throw new CliError(EXIT.refused, why, hint);
  }
  await bus.delete(cell, hub);
}

async function bringIntoUse(bus: Bus, { cell, config }: BackupHeader, epoch: string): Promise<void> {
  await bus.api(cell, "STREAM.UPDATE", { ...config, description: describeIncarnation(epoch) });
}

async function* interruptible<T>(all: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const one of all) {
    if (signal.aborted) throw interrupted();
    yield one;
  }
}

function interrupted(): CliError {
  return new CliError(
    EXIT.interrupted,
    "interrupted; no worker can use the log",
    "Give the same command again.",
  );
}
