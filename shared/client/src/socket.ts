/** The part of the WebSocket interface that is used: browsers, Node 22 and the `ws` package all have it. */
import { PlexusError } from "@plexus/protocol";

export interface Socket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  // A method, not a property: the platforms' parameter types differ, and methods are compared both ways.
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** A WebSocket class. */
export type SocketConstructor = new (url: string, protocols: string[]) => Socket;

export function defaultSocket(): SocketConstructor {
  const found = (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
  if (found === undefined)
    throw new PlexusError(
      "bad_request",
      "this platform has no global WebSocket (Node before 22): give one as the option `WebSocket`, as that of `ws`",
    );
  return found;
}

/** Absolute ws(s) URL; http(s) and, in browsers, relative addresses are taken too. */
export function socketUrl(url: string): string {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  const absolute = new URL(url, base);
  if (absolute.protocol === "https:") absolute.protocol = "wss:";
  if (absolute.protocol === "http:") absolute.protocol = "ws:";
  return absolute.href;
}
