/** What follows from the way in which a connection ended: the pure part of reconnecting. */
import {
  type ByeFrame,
  CLOSES,
  type CloseName,
  type ErrorCode,
  isErrorCode,
  isResumable,
  PlexusError,
} from "@plexus/protocol";

export interface Ending {
  /** Close code of the WebSocket; 1006 where there was none. */
  readonly code: number;
  readonly reason: string;
  /** The gateway's word before the end. */
  readonly bye?: ByeFrame;
  /** The answer to `hello` or the local cause, where there was one. */
  readonly error?: PlexusError;
}

export type Verdict =
  /** Connect again with the same token; after `wait`, where the gateway named it, else after a backoff. */
  | {
      readonly kind: "resume";
      readonly wait: { min: number; max: number } | null;
      readonly leastMs: number;
      readonly error: PlexusError;
    }
  /** Fetch another token, then connect. */
  | { readonly kind: "renew"; readonly error: PlexusError }
  /** Another attempt would end in the same way. */
  | { readonly kind: "fail"; readonly error: PlexusError };

/** Errors to `hello` that another attempt does not mend. `token_expired` is not one of them. */
const HOPELESS = new Set<ErrorCode>(["unauthorized", "forbidden", "bad_request", "limit_reached"]);

export function judge(ending: Ending): Verdict {
  const { bye } = ending;
  const code = bye === undefined ? ending.code : closeCodeOf(bye, ending.code);
  const error = ending.error ?? errorOf(code, bye?.reason ?? ending.reason);
  if (code === CLOSES.token_expired.code || error.code === "token_expired") return { kind: "renew", error };
  if (isFinal(ending, code, error)) return { kind: "fail", error };
  return { kind: "resume", wait: bye?.reconnect ?? null, leastMs: error.retry ?? 0, error };
}

/** The gateway's good-bye goes before the close code, and that before what an error means by itself. */
function isFinal({ bye }: Ending, closeCode: number, error: PlexusError): boolean {
  if (bye !== undefined) return bye.reconnect === null;
  return closeCode >= CLOSES.draining.code ? !isResumable(closeCode) : HOPELESS.has(error.code);
}

function closeCodeOf(bye: ByeFrame, fallback: number): number {
  if (Object.hasOwn(CLOSES, bye.code)) return CLOSES[bye.code as CloseName].code;
  // A bye that this version does not know: its `reconnect` says which half of the codes it is from.
  if (fallback >= 4000) return fallback;
  return bye.reconnect === null ? 4999 : 4000;
}

/** The typed error for a close code. */
function errorOf(closeCode: number, reason: string): PlexusError {
  const text = reason === "" ? `connection closed (${closeCode})` : `${reason} (${closeCode})`;
  if (isResumable(closeCode)) return new PlexusError("unavailable", text);
  const name = Object.entries(CLOSES).find(([, entry]) => entry.code === closeCode)?.[0];
  return new PlexusError(isErrorCode(name) ? name : "forbidden", text);
}
