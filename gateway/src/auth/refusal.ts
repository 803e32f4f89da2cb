import { type ByeFrame, type CloseName, PlexusError } from "@plexus/protocol";

export interface Refusal {
  readonly close: CloseName;
  readonly reconnect: ByeFrame["reconnect"];
}

/** Where an error names no time, its clients come back after this … */
const LEAST_WAIT_MS = 1_000;
/** … and within so many times as long, so that they do not all come at once. */
const SPREAD = 5;

/** How a connection is closed whose `hello` was answered with this error. */
export function refusalOf(error: unknown): Refusal {
  const code = error instanceof PlexusError ? error.code : "internal";
  switch (code) {
    case "token_expired":
      return { close: "token_expired", reconnect: null };
    case "forbidden":
      return { close: "suspended", reconnect: null };
    case "unavailable":
    case "timeout":
      return { close: "unavailable", reconnect: later(error) };
    case "limit_reached":
      return { close: "limit_reached", reconnect: later(error) };
    case "internal":
      return { close: "gateway_error", reconnect: later(error) };
    default:
      return { close: "unauthorized", reconnect: null };
  }
}

function later(error: unknown): { min: number; max: number } {
  const min = (error instanceof PlexusError ? error.retry : undefined) ?? LEAST_WAIT_MS;
  return { min, max: min * SPREAD };
}
