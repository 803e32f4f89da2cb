/** Opening many connections, a bounded number at a time. */
import { DIALECTS, type Wanted } from "./dialects.js";
import type { Target } from "./load.js";
import { encodeTexts, type FrameListener, LoadWebSocket } from "./websocket.js";

export interface ReadyListener extends FrameListener {
  /** Frames on the way to being ready, with their text. */
  before?(text: string, chunk: Buffer, from: number, to: number): void;
}

/** The course of a load: until it is over none of its connections may be closed by the other side. */
export class Course {
  isOver = false;

  readonly closed = (): void => {
    if (!this.isOver) throw new Error("a connection of the load was closed");
  };

  end(sockets: Iterable<LoadWebSocket>): void {
    this.isOver = true;
    for (const socket of sockets) socket.cut();
  }
}

/** Unless said otherwise. */
const AT_ONCE = 100;
const READY_WITHIN_MS = 30_000;
/** One address has 28,000 ports for connections to one server. */
const CONNECTIONS_PER_ADDRESS = 20_000;

/** Opens a connection, says what it wants, and resolves once it has that; from then on `listener` hears. */
export async function openReady(
  { dialect: name, port }: Target,
  wanted: Wanted,
  listener: ReadyListener,
  number = 0,
): Promise<LoadWebSocket> {
  const dialect = DIALECTS[name];
  const { path, protocol } = dialect;
  const group = Math.floor(number / CONNECTIONS_PER_ADDRESS);
  // The first group goes without: only so may the system use ports again that were let go a moment ago.
  const from = group === 0 ? {} : { localAddress: `127.0.0.${1 + group}` };
  let ready: () => void = () => undefined;
  let failed: (error: Error) => void = () => undefined;
  const isReady = new Promise<void>((resolve, reject) => {
    [ready, failed] = [resolve, reject];
  });
  isReady.catch(() => undefined); // told below, or by the socket itself
  const timer = setTimeout(
    () => failed(new Error(`${name}: a connection was not ready in time`)),
    READY_WITHIN_MS,
  );
  const extensions = wanted.offersCompression === true ? { extensions: "permessage-deflate" } : {};
  const socket = await LoadWebSocket.open(
    { host: "127.0.0.1", port, path, protocol, ...extensions, ...from },
    {
      frame: (chunk, from, to) => {
        const reply = dialect.reply(chunk, from);
        if (reply !== null) return socket.send(reply);
        const text = chunk.toString("latin1", from, to);
        listener.before?.(text, chunk, from, to);
        const next = dialect.next(text, wanted);
        if (next !== null) return socket.send(next);
        if (dialect.isReady(text, wanted)) ready();
        else if (text.includes('"op":"err"')) failed(new Error(text));
      },
      closed: () => failed(new Error(`${name}: a connection was closed`)),
    },
  );
  for (const text of dialect.opening(wanted)) socket.write(encodeTexts([text]));
  await isReady.finally(() => clearTimeout(timer));
  socket.listener = listener;
  return socket;
}

/** Calls `open` for 0 up to `count` - 1, some at a time. */
export async function openMany<T>(
  count: number,
  open: (number: number) => Promise<T>,
  atOnce = AT_ONCE,
): Promise<T[]> {
  const opened: T[] = new Array(count);
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const number = next++;
      opened[number] = await open(number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
  return opened;
}
