/** Opening many connections, a bounded number at a time. */
import { DIALECTS, type Wanted } from "./dialects.js";
import type { Target } from "./load.js";
import { encodeTexts, type FrameListener, LoadWebSocket } from "./websocket.js";

const AT_ONCE = 100;
const READY_WITHIN_MS = 30_000;
/** One address has 28,000 ports for connections to one server. */
const CONNECTIONS_PER_ADDRESS = 20_000;

/** Opens a connection, says what it wants, and resolves once it has that; from then on `listener` hears. */
export async function openReady(
  { dialect: name, port }: Target,
  wanted: Wanted,
  listener: FrameListener,
  number = 0,
): Promise<LoadWebSocket> {
  const dialect = DIALECTS[name];
  const { path, protocol } = dialect;
  const localAddress = `127.0.0.${2 + Math.floor(number / CONNECTIONS_PER_ADDRESS)}`;
  let ready: () => void = () => undefined;
  let failed: (error: Error) => void = () => undefined;
  const isReady = new Promise<void>((resolve, reject) => {
    [ready, failed] = [resolve, reject];
  });
  const timer = setTimeout(
    () => failed(new Error(`${name}: a connection was not ready in time`)),
    READY_WITHIN_MS,
  );
  const socket = await LoadWebSocket.open(
    { host: "127.0.0.1", port, path, protocol, localAddress },
    {
      frame: (chunk, from, to) => {
        const reply = dialect.reply(chunk, from);
        if (reply !== null) return socket.send(reply);
        const text = chunk.toString("latin1", from, to);
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
export async function openMany<T>(count: number, open: (number: number) => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => from + i);
    opened.push(...(await Promise.all(numbers.map(open))));
  }
  return opened;
}
