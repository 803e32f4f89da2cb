/**
 * The members of a channel as one gateway shows them to its clients; pure. Snapshots and events of the actor
 * go in, and what clients have to be told comes out, each change once: an event that repeats what is known
 * is not shown, and one that is missing makes the view ask for a snapshot and show the difference.
 */
import type { Member } from "@plexus/protocol";
import type { PresenceVersion } from "@plexus/runtime";

export interface PresenceDifference {
  join?: Member[];
  leave?: Member[];
  update?: Member[];
}

export interface PresenceEventFrame extends PresenceDifference {
  v: PresenceVersion;
}

export class PresenceView {
  #version: PresenceVersion | null = null;
  readonly #members = new Map<string, Member>();
  readonly #own: (conn: string) => Member | undefined;

  /** @param own the members that this gateway itself has announced; one that is shown as it was is held once */
  constructor(own: (conn: string) => Member | undefined = () => undefined) {
    this.#own = own;
  }

  get version(): PresenceVersion | null {
    return this.#version;
  }

  members(): Member[] {
    return [...this.#members.values()];
  }

  /** Takes an event. `missed`: it does not follow what is known; a snapshot is needed. */
  event({ v, join, leave, update }: PresenceEventFrame): PresenceDifference | null | "missed" {
    const known = this.#version;
    if (known === null || v[0] !== known[0] || v[1] > known[1] + 1) return "missed";
    if (v[1] <= known[1]) return null;
    this.#version = v;
    const difference = new Difference();
    for (const member of [...(join ?? []), ...(update ?? [])]) this.#take(member.conn, member, difference);
    for (const member of leave ?? []) this.#take(member.conn, undefined, difference);
    return difference.orNull();
  }

  /**
   * Takes the whole list, and says what changed against the list before. Of a list that may be incomplete
   * (`stale`) nobody's absence is believed.
   */
  snapshot(version: PresenceVersion, members: readonly Member[], stale = false): PresenceDifference | null {
    this.#version = version;
    const difference = new Difference();
    const here = new Set(members.map((member) => member.conn));
    for (const conn of stale ? [] : [...this.#members.keys()])
      if (!here.has(conn)) this.#take(conn, undefined, difference);
    for (const member of members) this.#take(member.conn, member, difference);
    return difference.orNull();
  }

  #take(conn: string, is: Member | undefined, difference: Difference): void {
    const was = this.#members.get(conn);
    if (is === undefined) this.#members.delete(conn);
    else this.#hold(is);
    if (was === undefined && is !== undefined) difference.join.push(is);
    else if (was !== undefined && is === undefined) difference.leave.push(was);
    else if (was !== undefined && is !== undefined && !isSame(was, is)) difference.update.push(is);
  }

  #hold(member: Member): void {
    const own = this.#own(member.conn);
    const held = own !== undefined && isSame(own, member) ? own : member;
    this.#members.set(held.conn, held);
  }
}

function isSame(one: Member, other: Member): boolean {
  const { user, since, state } = one;
  if (user !== other.user || since !== other.since) return false;
  return state === other.state || JSON.stringify(state) === JSON.stringify(other.state);
}

class Difference {
  readonly join: Member[] = [];
  readonly leave: Member[] = [];
  readonly update: Member[] = [];

  orNull(): PresenceDifference | null {
    const { join, leave, update } = this;
    if (join.length + leave.length + update.length === 0) return null;
    return {
      ...(join.length > 0 ? { join } : {}),
      ...(leave.length > 0 ? { leave } : {}),
      ...(update.length > 0 ? { update } : {}),
    };
  }
}
