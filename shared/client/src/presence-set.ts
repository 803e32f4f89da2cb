/** Who is in a channel: the pure core. Members are keyed by connection; a user may have several. */
import type { Member } from "@plexus/protocol";

export interface PresenceChange {
  readonly join: readonly Member[];
  readonly leave: readonly Member[];
  readonly update: readonly Member[];
}

export class PresenceSet {
  readonly #members = new Map<string, Member>();
  readonly #maxMembers: number;
  /** Members that are there but not in the map: the list was cut, or the map is full. */
  #hidden = 0;

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers;
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** How many there are; more than `members` holds where the list was cut. */
  get count(): number {
    return this.#members.size + this.#hidden;
  }

  /** Takes a complete list and says what differs from before. */
  replace(list: readonly Member[], count = list.length): PresenceChange {
    const before = new Map(this.#members);
    this.#members.clear();
    this.#hidden = 0;
    for (const member of list.slice(0, this.#maxMembers)) this.#members.set(member.conn, member);
    this.#hidden = Math.max(0, count - this.#members.size);
    const join: Member[] = [];
    const update: Member[] = [];
    for (const member of this.#members.values()) {
      const known = before.get(member.conn);
      before.delete(member.conn);
      if (known === undefined) join.push(member);
      else if (!sameState(known, member)) update.push(member);
    }
    return { join, leave: [...before.values()], update };
  }

  /** Takes what the server says has changed; what was known already is left out of the answer. */
  apply(change: { join?: Member[]; leave?: Member[]; update?: Member[] }): PresenceChange {
    const join: Member[] = [];
    const update: Member[] = [];
    for (const member of change.join ?? []) this.#note(member, join, update, true);
    for (const member of change.update ?? []) this.#note(member, join, update, false);
    const leave: Member[] = [];
    for (const { conn } of change.leave ?? []) {
      const known = this.#members.get(conn);
      if (known !== undefined) leave.push(known);
      else this.#hidden = Math.max(0, this.#hidden - 1);
      this.#members.delete(conn);
    }
    return { join, leave, update };
  }

  #note(member: Member, join: Member[], update: Member[], isNew: boolean): void {
    const known = this.#members.get(member.conn);
    if (known !== undefined) {
      this.#members.set(member.conn, member);
      if (!sameState(known, member)) update.push(member);
    } else if (this.#members.size < this.#maxMembers) {
      this.#members.set(member.conn, member);
      // An update of somebody unknown is about one who was hidden until now.
      if (!isNew) this.#hidden = Math.max(0, this.#hidden - 1);
      join.push(member);
    } else if (isNew) this.#hidden += 1;
  }
}

/** States are small; comparing their text is simpler than walking them, and a false difference is harmless. */
function sameState(a: Member, b: Member): boolean {
  return a.user === b.user && JSON.stringify(a.state) === JSON.stringify(b.state);
}
