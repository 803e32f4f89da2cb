/** How the same load speaks to each of the servers that are compared. */
import { CONNECT_PATH, SUBPROTOCOL_JSON } from "@plexus/protocol";

export type DialectName = "plexus" | "uws" | "socket.io";

/** What one connection wants. */
export interface Wanted {
  readonly token: string;
  readonly channels: readonly string[];
  /** As a member of each of them, where the server knows members. */
  readonly presence?: boolean;
  /** Frames may come compressed. */
  readonly offersCompression?: boolean;
  /** Where to go on, where the server knows positions. */
  readonly since?: { readonly epoch: string; readonly seq: number };
}

export interface Dialect {
  readonly path: string;
  readonly protocol: string | null;
  /** What is said first, each in a frame of its own. */
  opening(wanted: Wanted): string[];
  /** What is said next, upon a frame on the way to being ready; null: nothing. */
  next(frame: string, wanted: Wanted): string | null;
  /** Whether a frame says that the last of what was wanted is there. */
  isReady(frame: string, wanted: Wanted): boolean;
  publish(id: number, channel: string, data: string): string;
  /** The WebSocket messages in which frames go that are sent at the same time, as the side's own client sends them. */
  together(frames: readonly string[]): readonly string[];
  /** How many messages a frame brings to a subscriber. */
  messagesIn(chunk: Buffer, from: number, to: number): number;
  /** How many publishes a frame acknowledges. */
  acksIn(chunk: Buffer, from: number, to: number): number;
  /** The position in an answer to a subscription; null where it is none. */
  positionIn(frame: string): { epoch: string; seq: number } | null;
  /** What has to be answered to a frame so that the connection stays; null: nothing. */
  reply(chunk: Buffer, from: number): string | null;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;

/** `{"op":"msg","ch":"…","epoch":"…","seq":7,"n":3,`: the head's order is fixed, see docs/protocol.md. */
function messagesOfRecord(chunk: Buffer, from: number, to: number): number {
  if (chunk[from + 7] !== 0x6d || chunk[from + 8] !== 0x73) return 0; // "ms" of msg
  let at = from + 18;
  while (chunk[at] !== QUOTE) at++; // the channel's end
  at += 11;
  while (chunk[at] !== QUOTE) at++; // the epoch's end
  at += 8;
  while (chunk[at] !== COMMA && at < to) at++; // the seq's end
  at += 5;
  let n = 0;
  for (; chunk[at] !== COMMA && at < to; at++) n = n * 10 + chunk[at]! - ZERO;
  return n;
}

const OK = Buffer.from('"op":"ok"');
const ERR = Buffer.from('"op":"err"');

/** Acknowledgements of one turn come as one frame. */
function acksOfAnswers(chunk: Buffer, from: number, to: number): number {
  const frame = chunk.subarray(from, to);
  if (frame.includes(ERR)) throw new Error(`refused: ${frame.toString()}`);
  let acks = 0;
  for (let at = frame.indexOf(OK); at !== -1; at = frame.indexOf(OK, at + OK.length)) acks++;
  return acks;
}

const POSITION = /^\{"op":"ok".*"epoch":"([^"]+)","seq":(\d+),"recovered"/;

const plexus: Dialect = {
  path: CONNECT_PATH,
  protocol: SUBPROTOCOL_JSON,
  opening: ({ token, channels, since, presence }) => [
    JSON.stringify({ op: "hello", id: 1, token }),
    ...channels.map((ch, i) => JSON.stringify({ op: "sub", id: i + 2, ch, since, presence })),
  ],
  next: () => null,
  isReady: (frame, { channels }) =>
    channels.length === 0
      ? frame.includes('"op":"welcome"')
      : frame.includes(`"op":"ok","id":${channels.length + 1},`),
  publish: (id, channel, data) => `{"op":"pub","id":${id + 1_000},"ch":"${channel}","data":"${data}"}`,
  together: (frames) => (frames.length === 1 ? frames : [`[${frames.join()}]`]),
  messagesIn: messagesOfRecord,
  acksIn: acksOfAnswers,
  positionIn: (frame) => {
    const match = POSITION.exec(frame);
    return match === null ? null : { epoch: match[1]!, seq: Number(match[2]) };
  },
  reply: () => null,
};

/** The bare server beside this: a topic, or a message for one. It acknowledges by name, at once, what it does not store. */
const uws: Dialect = {
  path: "/",
  protocol: null,
  opening: ({ channels }) => [...channels.map((ch) => `s${ch}`), "r"],
  next: () => null,
  isReady: (frame) => frame === "ready",
  publish: (_, channel, data) => `p${channel} ${data}`,
  together: (frames) => frames,
  messagesIn: (chunk, from) => (chunk[from] === 0x70 ? 1 : 0),
  acksIn: (chunk, from) => (chunk[from] === 0x61 ? 1 : 0),
  positionIn: () => null,
  reply: () => null,
};

/** Engine.IO 4 and Socket.IO 5 over a WebSocket from the start. */
const socketIo: Dialect = {
  path: "/socket.io/?EIO=4&transport=websocket",
  protocol: null,
  opening: () => ["40"],
  next: (frame, { channels }) => (frame.startsWith("40") ? `42${JSON.stringify(["join", channels])}` : null),
  isReady: (frame) => frame === '42["joined"]',
  publish: (id, channel, data) => `42${id}["publish","${channel}","${data}"]`,
  together: (frames) => frames,
  messagesIn: (chunk, from) => (chunk[from] === 0x34 && chunk[from + 1] === 0x32 ? 1 : 0),
  acksIn: (chunk, from) => (chunk[from] === 0x34 && chunk[from + 1] === 0x33 ? 1 : 0),
  positionIn: () => null,
  reply: (chunk, from) => (chunk[from] === 0x32 ? "3" : null),
};

export const DIALECTS: Record<DialectName, Dialect> = { plexus, uws, "socket.io": socketIo };
