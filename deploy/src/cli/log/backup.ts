import { CliError, EXIT } from "../errors.js";
import { BackupWriter, FORMAT, VERSION } from "./backup-file.js";
import type { Bus } from "./bus.js";
import { readSnapshot } from "./snapshot.js";

export interface Backup {
  cell: string;
  file: string;
  takenAt: number;
  /** What is sure to be in it. */
  records: number;
  lastSeq: number;
  channels: number;
  /** In the log, and in the file. */
  bytes: number;
  fileBytes: number;
  sha256: string;
  tookMs: number;
}

/** Writes a cell's log to a file, while everything goes on. */
export async function backUp(
  bus: Bus,
  cell: string,
  file: string,
  { signal, progress }: { signal: AbortSignal; progress: (bytes: number, of: number) => void },
): Promise<Backup> {
  const takenAt = Date.now();
  const info = await bus.info(cell);
  if (info === undefined) throw new CliError(EXIT.notFound, `cell ${cell} has no log here`);
  let writer: BackupWriter | undefined;
  try {
    let { state } = info;
    await readSnapshot(
      bus,
      cell,
      async (stream) => {
        ({ state } = stream);
        const { created } = info;
        const header = { format: FORMAT, version: VERSION, cell, takenAt, created, ...stream } as const;
        writer = await BackupWriter.create(file, header);
      },
      async (chunk) => {
        if (signal.aborted) throw new CliError(EXIT.interrupted, "interrupted; there is no backup");
        await writer!.write(chunk);
        progress(writer!.bytes, state.bytes);
      },
    );
    const sha256 = await writer!.finish();
    const { messages: records, last_seq: lastSeq, num_subjects: channels = 0, bytes } = state;
    const tookMs = Date.now() - takenAt;
    return {
      cell,
      file,
      takenAt,
      records,
      lastSeq,
      channels,
      bytes,
      fileBytes: writer!.bytes,
      sha256,
      tookMs,
    };
  } catch (error) {
    await writer?.discard();
    throw error;
  }
}
