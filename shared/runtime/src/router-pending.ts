/** What a router keeps of a command until it is answered. */
import { PlexusError } from "@plexus/protocol";
import type { CommandKind, Commands, WireCommand } from "./commands.js";
import type { PartitionAddress } from "./shortcuts.js";

export type Settle<K extends CommandKind> = (
  error: PlexusError | null,
  answer: Commands[K]["answer"] | null,
) => void;

export interface Pending {
  readonly command: WireCommand;
  /** The cell to ask; undefined: the channel's home of the moment. */
  readonly cell: string | undefined;
  readonly bytes: number;
  readonly settle: Settle<CommandKind>;
  readonly deadlineAt: number;
  readonly attemptMs: number;
  /** Where it belongs, since it was last queued; undefined before. */
  partition: PartitionAddress | undefined;
  /** It was sent to a worker rather than to its partition. */
  isShort: boolean;
  /** When it is sent again, unless it is answered. */
  nextAt: number;
  attempts: number;
  /** The last attempt is still without a verdict. */
  inFlight: boolean;
  /** An earlier attempt never got one: the command may have been carried out. */
  uncertain: boolean;
}

/** One NATS message of commands. */
export interface Batch {
  readonly number: number;
  readonly subject: string;
  readonly correlations: readonly number[];
}

export function overdue(pending: Pending): PlexusError {
  return pending.inFlight || pending.uncertain
    ? timeout("no answer in time")
    : new PlexusError("unavailable", "nobody serves this channel at the moment", { retry: 1_000 });
}

/** Whether it matters to whoever asked if the command was carried out. */
export function changes({ command }: Pending): boolean {
  return command[1] === "publish";
}

export function timeout(message: string): PlexusError {
  return new PlexusError("timeout", message, { retry: 1_000 });
}
