/** A log as one stream of bytes, out of NATS and back into it, with as much under way as either side has taken in. */
import { LOG_BEING_RESTORED } from "@plexus/runtime";
import { CliError, EXIT } from "../errors.js";
import type { BackupHeader } from "./backup-file.js";
import type { Bus, StreamInfo, StreamState } from "./bus.js";
import { SnapshotFrames } from "./snapshot-frames.js";

const CHUNK_BYTES = 128 * 1024;
/** Chunks on their way to NATS without an answer. */
const CHUNKS_UNDER_WAY = 8;
/** Neither a chunk nor the end came for so long: it won't. */
const SILENCE_MS = 30_000;

export interface SnapshotBegin {
  config: StreamInfo["config"];
  state: StreamState;
}

/**
 * Reads a snapshot of the cell's log: what it held when this began, and perhaps some of what came after. Each chunk is
 * acknowledged once `take` is through with it: NATS sends only so much ahead.
 */
export async function readSnapshot(
  bus: Bus,
  cell: string,
  begin: (stream: SnapshotBegin) => Promise<void>,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const frames = new SnapshotFrames();
  const inbox = `_INBOX.snapshot.${crypto.randomUUID()}`;
  const chunks = bus.nats.subscribe(inbox);
  let heardAt = Date.now();
  const watch = setInterval(() => {
    if (Date.now() - heardAt > SILENCE_MS) chunks.unsubscribe();
  }, 1_000);
  try {
    const wanted = { deliver_subject: inbox, no_consumers: true, chunk_size: CHUNK_BYTES };
    const stream = await bus.api<SnapshotBegin>(cell, "STREAM.SNAPSHOT", wanted);
    await begin(stream);
    for await (const chunk of chunks) {
      heardAt = Date.now();
      if (chunk.data.length === 0) {
        if (frames.isWhole(stream.state.bytes)) return;
        throw new CliError(EXIT.failed, "NATS gave the snapshot up before its end", "Try again.");
      }
      frames.push(chunk.data);
      await take(chunk.data);
      chunk.respond();
    }
    throw new CliError(EXIT.unavailable, "NATS fell silent in the middle of the snapshot", "Try again.");
  } finally {
    clearInterval(watch);
    chunks.unsubscribe();
  }
}

/** Makes the stream anew from a snapshot. Marked as being restored: no worker serves from it before that is lifted. */
export async function writeSnapshot(
  bus: Bus,
  { cell, config, state }: BackupHeader,
  chunks: AsyncIterable<Uint8Array>,
  sent: (bytes: number) => void,
): Promise<StreamInfo> {
  const marked = { ...config, description: LOG_BEING_RESTORED };
  const wanted = { config: marked, state };
  const { deliver_subject: to } = await bus.api<{ deliver_subject: string }>(cell, "STREAM.RESTORE", wanted);
  const underWay: Array<Promise<void>> = [];
  // The first one alone: only once NATS has answered it is it sure that none is sent again behind a later one.
  let most = 1;
  for await (const chunk of chunks) {
    if (underWay.length >= most) {
      await underWay.shift();
      most = CHUNKS_UNDER_WAY;
    }
    const answered = bus.request(to, chunk).then(({ data }) => {
      if (data.length > 0) throw refused(new TextDecoder().decode(data));
      sent(chunk.length);
    });
    answered.catch(() => undefined); // whoever waits for it is told
    underWay.push(answered);
  }
  await Promise.all(underWay);
  const end = (await bus.request(to, "")).json<StreamInfo & { error?: { description: string } }>();
  if (end.error !== undefined) throw refused(end.error.description);
  if (end.state.last_seq < state.last_seq)
    throw refused(`only ${end.state.last_seq} of ${state.last_seq} records are there again`);
  return end;
}

function refused(why: string): CliError {
  return new CliError(EXIT.failed, `NATS could not restore the log: ${why}`);
}
