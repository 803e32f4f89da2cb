/**
 * Which life of a cell's log this is: the epoch of the channels in it that were never written to.
 *
 * It is the time at which the stream was made, until the log is restored from a backup. Then clients hold positions
 * beyond it, and the stream's time does not tell (NATS gives it back with the backup): the restored log is given
 * an incarnation of its own, in the stream's description, which survives whatever happens to the server.
 */

const RESTORED = /^Plexus log, incarnation ([A-Za-z0-9_-]{1,64})$/;

/** The description of a log that is being restored: nobody may serve from it yet. */
export const LOG_BEING_RESTORED = "Plexus log, being restored";

export interface LogIdentity {
  /** As the server says it, to the nanosecond. */
  readonly created: string;
  readonly config: { readonly description?: string };
}

/** The description of a log that was restored. */
export function describeIncarnation(incarnation: string): string {
  return `Plexus log, incarnation ${incarnation}`;
}

/** Undefined while the log is being restored. */
export function incarnationOf({ created, config }: LogIdentity): string | undefined {
  if (config.description === LOG_BEING_RESTORED) return undefined;
  const restored = RESTORED.exec(config.description ?? "")?.[1];
  if (restored !== undefined) return restored;
  const fraction = /\.(\d+)Z$/.exec(created)?.[1] ?? "0";
  const seconds = BigInt(Math.floor(Date.parse(created) / 1_000));
  return (seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9))).toString(36);
}
