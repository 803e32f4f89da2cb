/**
 * The members of a channel, without clock or Redis: changes go in, one event for all that changed comes out.
 *
 * Each member belongs to the gateway that holds its connection. What comes and goes again between two events
 * is not announced at all.
 */
import type { Member } from "@plexus/protocol";
import type { PresenceChange, PresencePage, PresenceSnapshot, PresenceVersion } from "@plexus/runtime";

export interface HeldMember extends Member {
  gateway: string;
}

export interface PresenceEvent {
  version: PresenceVersion;
  join: Member[];
  leave: Member[];
  update: Member[];
}

export interface Unmirrored {
  changes: Array<{ conn: string; member: HeldMember | undefined }>;
  /** gateway → whether it still has members in the channel. */
  holds: Map<string, boolean>;
  /** The changes are all members there are; whoever else Redis has is gone. */
  whole: boolean;
}

/** More are refused: a list of everybody is no use at that size, and it has to fit in memory. */
export const MAX_MEMBERS = 20_000;
/** Beyond so many changes that Redis has not heard of, the whole list is written instead. */
const MAX_UNMIRRORED = 2 * MAX_MEMBERS;
/** Changes in one event, and bytes of their states, since it has to fit a message of the bus; the rest goes into the next. */
const MAX_EVENT_MEMBERS = 500;
const MAX_EVENT_STATE_BYTES = 256 * 1024;
const PAGE_BYTES = 256 * 1024;
const NOT_PAGED = { event: -1, members: [], stale: false };

export class PresenceSet {
  readonly #life: string;
  #event = 0;
  readonly #members = new Map<string, HeldMember>();
  readonly #perGateway = new Map<string, number>();
  /** What each changed connection was when the last event was made. */
  readonly #before = new Map<string, HeldMember | undefined>();
  #noticed = 0;
  /** Connections whose mirror in Redis is out of date. */
  readonly #unmirrored = new Set<string>();
  #unmirroredWhole = false;
  /** Gateways that gained or lost members since the last mirror. */
  readonly #touched = new Set<string>();
  /** The list that is being handed out page by page. */
  #paged: { event: number; members: HeldMember[]; stale: boolean } = NOT_PAGED;
  /** Members that were read late have not all been announced: the list as it was announced lacks some. */
  #lateUnannounced = false;

  /** `life` tells this set's versions from those of the actor before. */
  constructor(life: string) {
    this.#life = life;
  }

  get size(): number {
    return this.#members.size;
  }
  get version(): PresenceVersion {
    return [this.#life, this.#event];
  }
  get changed(): boolean {
    return this.#before.size > 0;
  }
  /** How many changes there were, ever … */
  get noticed(): number {
    return this.#noticed;
  }
  /** … and how many of them events have taken, in the same order. */
  get told(): number {
    return this.#noticed - this.#before.size;
  }
  get mirrored(): boolean {
    return this.#unmirrored.size === 0 && this.#touched.size === 0 && !this.#unmirroredWhole;
  }

  /** Those that have members here. */
  get gateways(): Iterable<string> {
    return this.#perGateway.keys();
  }

  membersOf(gateway: string): number {
    return this.#perGateway.get(gateway) ?? 0;
  }

  /** What Redis remembers of the channel, when its actor begins: nothing of it is announced. */
  restore(members: Iterable<HeldMember>): void {
    for (const member of members) if (!this.#members.has(member.conn)) this.#set(member.conn, member);
    this.#touched.clear();
  }

  /** What the channel's previous home had: not announced, but to be written to this cell's Redis. */
  takeOver(members: Iterable<HeldMember>): void {
    for (const member of members) {
      if (this.#members.has(member.conn)) continue;
      this.#set(member.conn, member);
      this.#unmirrored.add(member.conn);
    }
  }

  /** Forgets everybody without a word: the channel has another home, which has them. */
  abandon(): string[] {
    const gateways = [...this.#perGateway.keys()];
    this.#members.clear();
    this.#perGateway.clear();
    this.#before.clear();
    this.#unmirrored.clear();
    this.#unmirroredWhole = false;
    this.#touched.clear();
    this.#lateUnannounced = false;
    return gateways;
  }

  /**
   * The same where it could only be read late: those that are not known yet are announced. Until that is done the list
   * lacks them, as it lacks those whom gateways have announced meanwhile: whoever knows them from the actor before must
   * not take that for their leave.
   */
  restoreLate(members: Iterable<HeldMember>): void {
    for (const member of members) if (!this.#members.has(member.conn)) this.#change(member.conn, member);
    this.#lateUnannounced = this.changed;
  }

  /** Returns the connections that were not admitted because the set is full. */
  apply({ gateway, put, del, refresh, all, keepSince }: PresenceChange): string[] {
    const refused: string[] = [];
    for (const member of put) {
      const known = this.#members.get(member.conn);
      const since = keepSince === true && known?.gateway === gateway ? known.since : member.since;
      if (known === undefined && this.#members.size >= MAX_MEMBERS) refused.push(member.conn);
      else this.#change(member.conn, { ...member, since, gateway });
      if (refresh) this.#unmirrored.add(member.conn);
    }
    if (refresh) this.#touched.add(gateway);
    for (const conn of del) if (this.#members.get(conn)?.gateway === gateway) this.#change(conn, undefined);
    if (all !== null) {
      const kept = new Set(all);
      for (const { conn, gateway: holder } of [...this.#members.values()])
        if (holder === gateway && !kept.has(conn)) this.#change(conn, undefined);
    }
    return refused;
  }

  /** The gateway's lease ended: all of its members leave. */
  drop(gateway: string): void {
    for (const member of [...this.#members.values()])
      if (member.gateway === gateway) this.#change(member.conn, undefined);
  }

  /** The next event, or null if nothing changed that anybody could notice. */
  takeEvent(): PresenceEvent | null {
    const join: Member[] = [];
    const leave: Member[] = [];
    const update: Member[] = [];
    let stateBytes = 0;
    for (const [conn, before] of this.#before) {
      if (join.length + leave.length + update.length >= MAX_EVENT_MEMBERS) break;
      if (stateBytes >= MAX_EVENT_STATE_BYTES) break;
      this.#before.delete(conn);
      const after = this.#members.get(conn);
      stateBytes += bytesOfState(after ?? before);
      if (before === undefined && after !== undefined) join.push(shown(after));
      else if (before !== undefined && after === undefined) leave.push(shown(before));
      else if (before !== undefined && after !== undefined && !alike(before, after))
        update.push(shown(after));
    }
    if (!this.changed) this.#lateUnannounced = false;
    if (join.length + leave.length + update.length === 0) return null;
    this.#event++;
    return { version: this.version, join, leave, update };
  }

  /**
   * A page of the members as they stood at the last event; only what was announced is shown, so that whoever
   * applies the events after `version` to it arrives at the truth. `held`: with the gateway of each, for the
   * channel's next home. `stale`: some may be missing; that holds for all pages of a list that was begun then.
   */
  page({ at, from }: PresencePage, { held = false, stale = false } = {}): PresenceSnapshot {
    const wanted = at !== null && at[0] === this.#life ? at[1] : -1;
    if (wanted !== this.#paged.event || wanted === -1) {
      // Of the present version the list is the same again; of another one the reader has to begin anew.
      if (wanted !== this.#event) from = 0;
      const lacks = stale || this.#lateUnannounced;
      this.#paged = { event: this.#event, members: this.#announced(), stale: lacks };
    }
    const members: Member[] = [];
    let bytes = 0;
    let next = from;
    while (next < this.#paged.members.length && bytes < PAGE_BYTES) {
      const member = this.#paged.members[next++]!;
      members.push(held ? member : shown(member));
      bytes += JSON.stringify(member).length;
    }
    const more = next < this.#paged.members.length;
    const version: PresenceVersion = [this.#life, this.#paged.event];
    const lacks = stale || this.#paged.stale;
    if (!more) this.#paged = NOT_PAGED;
    return { version, members, next: more ? next : null, stale: lacks };
  }

  /** What has to be written to Redis; to be given back with {@link unmirror} if that fails. */
  takeUnmirrored(): Unmirrored {
    const whole = this.#unmirroredWhole;
    const conns = whole ? this.#members.keys() : this.#unmirrored;
    const changes = [...conns].map((conn) => ({ conn, member: this.#members.get(conn) }));
    const holds = new Map([...this.#touched].map((gateway) => [gateway, this.membersOf(gateway) > 0]));
    this.#unmirrored.clear();
    this.#unmirroredWhole = false;
    this.#touched.clear();
    return { changes, holds, whole };
  }

  unmirror({ changes, holds, whole }: Unmirrored): void {
    this.#unmirroredWhole ||= whole;
    for (const { conn } of changes) this.#isOutOfDate(conn);
    for (const gateway of holds.keys()) this.#touched.add(gateway);
  }

  #announced(): HeldMember[] {
    const members: HeldMember[] = [];
    for (const [conn, member] of this.#members) {
      if (!this.#before.has(conn)) members.push(member);
    }
    for (const before of this.#before.values()) if (before !== undefined) members.push(before);
    // Several may read the pages of one version, and the list be made anew in between: its order must be the same.
    return members.sort((a, b) => (a.conn < b.conn ? -1 : 1));
  }

  #change(conn: string, after: HeldMember | undefined): void {
    const before = this.#members.get(conn);
    if (before === undefined && after === undefined) return;
    if (
      before !== undefined &&
      after !== undefined &&
      alike(before, after) &&
      before.gateway === after.gateway
    )
      return;
    if (!this.#before.has(conn)) {
      this.#before.set(conn, before);
      this.#noticed++;
    }
    this.#isOutOfDate(conn);
    this.#set(conn, after);
  }

  /** Of those who come and go while Redis is away no list may grow for ever. */
  #isOutOfDate(conn: string): void {
    this.#unmirrored.add(conn);
    if (this.#unmirrored.size <= MAX_UNMIRRORED) return;
    this.#unmirrored.clear();
    this.#unmirroredWhole = true;
  }

  #set(conn: string, after: HeldMember | undefined): void {
    const before = this.#members.get(conn);
    if (before !== undefined) this.#count(before.gateway, -1);
    if (after === undefined) this.#members.delete(conn);
    else {
      this.#members.set(conn, after);
      this.#count(after.gateway, 1);
    }
  }

  #count(gateway: string, by: number): void {
    const n = this.membersOf(gateway) + by;
    this.#touched.add(gateway);
    if (n === 0) this.#perGateway.delete(gateway);
    else this.#perGateway.set(gateway, n);
  }
}

function shown({ conn, user, state, since }: HeldMember): Member {
  return { conn, user, state, since };
}

function bytesOfState(member: Member | undefined): number {
  const state = member?.state ?? null;
  return state === null ? 0 : Buffer.byteLength(JSON.stringify(state));
}

function alike(a: Member, b: Member): boolean {
  return a.user === b.user && a.since === b.since && JSON.stringify(a.state) === JSON.stringify(b.state);
}
