/** Pages of history to a client that offers compression, or does not; and publishes of one that compresses what it says. */
import { constants, deflateRawSync } from "node:zlib";
import { DIALECTS } from "./dialects.js";
import { openLoop } from "./latencies.js";
import { type Load, noCounts, type Target, words } from "./load.js";
import { openReady } from "./sockets.js";
import { encodeTexts } from "./websocket.js";

export interface CompressionPlan {
  readonly kind: "compression";
  readonly target: Target;
  readonly channel: string;
  /** Of each message. */
  readonly bytes: number;
  /** Whether the client offers it, and uses it. */
  readonly offered: boolean;
  readonly perSecond: number;
  /** Messages in a page; null: publishes instead. */
  readonly page: number | null;
}

/** FIN, RSV1 and text; a mask of zeros follows the length. */
const COMPRESSED_TEXT = 0xc1;
const MASKED = 0x80;
const MAX_BYTES = 65_535;
/** Left out at the end of each message (RFC 7692, section 7.2.1). */
const TAIL_BYTES = 4;

export async function compression(plan: CompressionPlan): Promise<Load> {
  const { target, channel, bytes, offered, page, perSecond } = plan;
  const { publish, acksIn } = DIALECTS.plexus;
  const counts = noCounts();
  let stopped = false;
  const closed = () => {
    if (!stopped) throw new Error("a connection of the load was closed");
  };
  let answered: () => void = () => undefined;
  const acknowledged = (chunk: Buffer, from: number, to: number) => {
    counts.acknowledged += acksIn(chunk, from, to);
    answered();
  };
  // A compressed frame is not looked into: the load's CPU time is that of a client without its unpacking.
  const arrived = (_: Buffer, from: number, to: number) => {
    counts.delivered++;
    counts.receivedBytes += to - from;
  };
  const wanted = { token: target.token, channels: [], offersCompression: offered };
  const publisher = await openReady(target, wanted, { frame: acknowledged, closed });
  const next = () => publish(counts.published, channel, words(bytes, counts.published++));
  let send = () => publisher.write(offered ? encodeCompressed(next()) : encodeTexts([next()]));
  const sockets = [publisher];
  if (page !== null) {
    const filled = new Promise<void>((resolve) => {
      answered = () => counts.acknowledged === page && resolve();
    });
    for (let i = 0; i < page; i++) send();
    await filled;
    const reader = await openReady(target, wanted, { frame: arrived, closed });
    sockets.push(reader);
    let id = 1;
    send = () => reader.send(`{"op":"history","id":${++id},"ch":"${channel}","limit":${page}}`);
  }
  const end = openLoop(perSecond, send);
  return {
    counts,
    stop: () => {
      stopped = true;
      end();
      for (const socket of sockets) socket.cut();
    },
  };
}

function encodeCompressed(text: string): Buffer {
  const packed = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -TAIL_BYTES);
  if (packed.length > MAX_BYTES) throw new Error("frames of the load are 64 KiB at most");
  const head = Buffer.from([
    COMPRESSED_TEXT,
    MASKED | 126,
    packed.length >> 8,
    packed.length & 0xff,
    0,
    0,
    0,
    0,
  ]);
  return Buffer.concat([head, packed]);
}
