/**
 * The file that a log is backed up to: a line of JSON that says what it is, the snapshot as NATS gives it (a
 * compressed archive, whatever is inside), and a last line with the SHA-256 of everything before. It has its name only
 * once it is whole.
 */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { CliError, EXIT } from "../errors.js";
import type { StreamInfo, StreamState } from "./bus.js";

export const FORMAT = "plexus-log-backup";
export const VERSION = 1;
/** A first line beyond that is none of ours. */
const MAX_HEADER_BYTES = 64 * 1024;
const READ_BYTES = 128 * 1024;
const TRAILER = /^\nsha256:([0-9a-f]{64})\n$/;
const TRAILER_BYTES = "\nsha256:\n".length + 64;

export interface BackupHeader {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly cell: string;
  /** Milliseconds; what was stored later may be missing. */
  readonly takenAt: number;
  readonly created: string;
  readonly config: StreamInfo["config"];
  readonly state: StreamState;
}

export class BackupWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  bytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Refuses to replace a file: it may be the only backup. */
  static async create(path: string, header: BackupHeader): Promise<BackupWriter> {
    if (await exists(path)) throw new CliError(EXIT.refused, `${path} is there already`);
    const file = await open(partial(path), "w", 0o600).catch((error: unknown) => {
      throw new CliError(EXIT.failed, `${path} can't be written: ${(error as Error).message}`);
    });
    const writer = new BackupWriter(path, file);
    await writer.write(Buffer.from(`${JSON.stringify(header)}\n`));
    return writer;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await this.#file.writeFile(bytes);
    this.bytes += bytes.length;
  }

  /** Returns the checksum; from now on the file has its name, on the disk. */
  async finish(): Promise<string> {
    const sum = this.#hash.digest("hex");
    await this.#file.writeFile(`\nsha256:${sum}\n`);
    this.bytes += TRAILER_BYTES;
    await this.#file.sync();
    await this.#file.close();
    await rename(partial(this.#path), this.#path);
    return sum;
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await rm(partial(this.#path), { force: true });
  }
}

export class BackupReader {
  readonly header: BackupHeader;
  readonly #file: FileHandle;
  readonly #from: number;
  readonly #to: number;

  private constructor(file: FileHandle, header: BackupHeader, from: number, to: number) {
    this.#file = file;
    this.header = header;
    this.#from = from;
    this.#to = to;
  }

  /** Reads the whole file once, and refuses what is not exactly what was written. */
  static async open(path: string): Promise<BackupReader> {
    const file = await open(path, "r").catch((error: unknown) => {
      throw new CliError(EXIT.notFound, `${path} can't be read: ${(error as Error).message}`);
    });
    try {
      const { size } = await file.stat();
      const to = Math.max(0, size - TRAILER_BYTES);
      const { header, bytes } = await readHeader(file, path);
      await verify(file, path, to, size);
      return new BackupReader(file, header, bytes, to);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get snapshotBytes(): number {
    return this.#to - this.#from;
  }

  chunks(): AsyncGenerator<Buffer> {
    return readRange(this.#file, this.#from, this.#to);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readHeader(file: FileHandle, path: string): Promise<{ header: BackupHeader; bytes: number }> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_HEADER_BYTES), 0, MAX_HEADER_BYTES, 0);
  const end = buffer.subarray(0, bytesRead).indexOf("\n");
  let header: Partial<BackupHeader> | undefined;
  try {
    header = JSON.parse(buffer.toString("utf8", 0, Math.max(0, end))) as Partial<BackupHeader>;
  } catch {
    header = undefined; // said below, as for any other file
  }
  if (header?.format !== FORMAT) throw new CliError(EXIT.failed, `${path} is no backup of a log`);
  if (header.version !== VERSION)
    throw new CliError(EXIT.failed, `${path} has version ${header.version}; this is for version ${VERSION}`);
  return { header: header as BackupHeader, bytes: end + 1 };
}

async function verify(file: FileHandle, path: string, to: number, size: number): Promise<void> {
  const hash = createHash("sha256");
  for await (const bytes of readRange(file, 0, to)) hash.update(bytes);
  let trailer = "";
  for await (const bytes of readRange(file, to, size)) trailer += bytes.toString("latin1");
  const said = TRAILER.exec(trailer)?.[1];
  if (said === undefined)
    throw new CliError(EXIT.failed, `${path} is cut off: it has no checksum at its end`);
  if (said !== hash.digest("hex"))
    throw new CliError(
      EXIT.failed,
      `${path} is damaged: its checksum is not the one that it was written with`,
    );
}

async function* readRange(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const length = Math.min(READ_BYTES, to - at);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw new CliError(EXIT.failed, "the file became shorter while it was read");
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function partial(path: string): string {
  return `${path}.partial`;
}
