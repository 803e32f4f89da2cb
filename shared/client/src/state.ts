import type { Limits, PlexusError } from "@plexus/protocol";

/** What the client is doing about its connection. */
export type ConnectionState =
  /** Not asked to connect yet. */
  | { readonly name: "idle" }
  /** On the way to the first connection, or back to one. */
  | {
      readonly name: "connecting" | "reconnecting";
      /** Attempts that failed in a row. */
      readonly attempt: number;
      /** When the next attempt begins, milliseconds since 1970; null while one is under way. */
      readonly retryAt: number | null;
      /** Why the connection ended or the last attempt failed. */
      readonly error: PlexusError | null;
    }
  | {
      readonly name: "connected";
      /** This connection's id: how others see it in presence. Another one after each reconnect. */
      readonly conn: string;
      readonly user: string;
      readonly tenant: string;
      /** The gateway that holds the connection. */
      readonly gateway: string;
      readonly limits: Limits;
    }
  /** Trying again is pointless until the application changes something; `connect()` starts anew. */
  | { readonly name: "failed"; readonly error: PlexusError }
  /** The application closed it. */
  | { readonly name: "closed" };

export function sameState(a: ConnectionState, b: ConnectionState): boolean {
  if (a.name === "connected") return b.name === "connected" && a.conn === b.conn;
  if (a.name === "connecting" || a.name === "reconnecting")
    return a.name === b.name && a.attempt === b.attempt && a.retryAt === b.retryAt;
  return a.name === b.name && a.name !== "failed";
}
