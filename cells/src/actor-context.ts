import type { Commands, Logger, Settings, Tracer, WireError } from "@plexus/runtime";
import type { Asker } from "./asker.js";
import type { Held } from "./channel-types.js";
import type { ChannelLog } from "./log.js";
import type { PlacementView } from "./placement-view.js";
import type { PresenceStore } from "./presence-store.js";
import type { TakeOverContext } from "./take-over.js";

/** What the actors of a worker work with. */
export interface ActorContext {
  readonly cell: string;
  readonly log: ChannelLog;
  /** The log does not answer at the moment: what is new is refused before it costs an actor its memory. */
  logIsAway(): boolean;
  /** The log of any cell; rejects with `unavailable` if it can't be reached. */
  logOf(cell: string): Promise<ChannelLog>;
  /** What is known of cells that were given up. */
  readonly goneCells: Pick<TakeOverContext, "isGone" | "logAnswered">;
  readonly placement: PlacementView;
  /** Asks the channel's actor in another cell. */
  askAt: <K extends "release" | "members_left">(
    cell: string,
    kind: K,
    tenant: string,
    channel: string,
    body: Commands[K]["ask"],
  ) => Promise<Commands[K]["answer"]>;
  readonly presence: PresenceStore;
  readonly settings: Settings;
  readonly tracer: Pick<Tracer, "ended">;
  readonly logger: Logger;
  /** Sends a frame to the channel's subscribers without storing it. */
  announce(tenant: string, channel: string, frame: Uint8Array): void;
  answer(asker: Asker, error: WireError | null, body: unknown): void;
  readonly held: Held;
  /** The actor is over; the next command needs a new one. */
  closed(actor: { readonly key: string }): void;
}
