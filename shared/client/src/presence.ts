import type { Member, PlexusError, PresenceFrame, PresenceOk } from "@plexus/protocol";
import { Emitter } from "./emitter.js";
import { type PresenceChange, PresenceSet } from "./presence-set.js";
import type { Requests } from "./requests.js";

export interface PresenceEvents {
  /** Somebody came; with another connection of somebody who is here, that too. */
  join: Member;
  leave: Member;
  /** A member's state changed. */
  update: Member;
  /** After each batch of the above, once. */
  change: PresenceChange;
  /** The gateway ended the membership, since the token does not allow it any more; after the list was emptied. */
  ended: PlexusError;
}

/**
 * Who is in a channel, live while subscribed with `presence: true`. Members are connections: one user may have
 * several, see {@link users}. While reconnecting the list stays as it was (`isLive` is false); then the
 * difference to the gateway's list comes as `join`, `leave` and `update`.
 *
 * ```ts
 * await channel.subscribe({ presence: true });
 * channel.presence.on("change", () => show([...channel.presence.users().keys()]));
 * ```
 */
export class Presence extends Emitter<PresenceEvents> {
  readonly #set: PresenceSet;
  readonly #fetch: () => ReturnType<Requests["ask"]>;
  #isLive = false;
  #isStale = false;

  /** Channels make theirs. */
  constructor(maxMembers: number, fetch: () => ReturnType<Requests["ask"]>) {
    super();
    this.#set = new PresenceSet(maxMembers);
    this.#fetch = fetch;
  }

  /** Everybody, by connection id. It changes in place. */
  get map(): ReadonlyMap<string, Member> {
    return this.#set.members;
  }

  /** Everybody, one entry per connection, as of now. */
  members(): Member[] {
    return [...this.#set.members.values()];
  }

  /** Everybody, by user; each with their connections. */
  users(): Map<string, Member[]> {
    const users = new Map<string, Member[]>();
    for (const member of this.#set.members.values()) {
      const connections = users.get(member.user);
      if (connections === undefined) users.set(member.user, [member]);
      else connections.push(member);
    }
    return users;
  }

  /** How many connections are here; more than are listed where the list was cut at a bound. */
  get count(): number {
    return this.#set.count;
  }

  /** Whether changes come as they happen. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** The gateway said that its list may be out of date. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Asks once who is here; needs no subscription, and changes nothing here. */
  async fetch(): Promise<{ members: Member[]; count: number }> {
    const { members, count } = (await this.#fetch()) as PresenceOk;
    return { members, count };
  }

  /** For the channel: the complete list, on subscribing. */
  replace(members: readonly Member[], count?: number, isStale = false): void {
    this.#isLive = true;
    this.#isStale = isStale;
    this.#tell(this.#set.replace(members, count));
  }

  /** For the channel: what changed. */
  apply(frame: PresenceFrame): void {
    this.#tell(this.#set.apply(frame));
  }

  /** For the channel: no changes come until the next {@link replace}. */
  pause(): void {
    this.#isLive = false;
  }

  /** For the channel: nobody is known to be here any more. */
  clear(): void {
    this.#isLive = false;
    this.#tell(this.#set.replace([]));
  }

  /** For the channel: the gateway ended it. */
  end(error: PlexusError): void {
    this.clear();
    this.emit("ended", error);
  }

  #tell(change: PresenceChange): void {
    const { join, leave, update } = change;
    if (join.length + leave.length + update.length === 0) return;
    for (const member of join) this.emit("join", member);
    for (const member of leave) this.emit("leave", member);
    for (const member of update) this.emit("update", member);
    this.emit("change", change);
  }
}
