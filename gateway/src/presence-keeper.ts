import { type Member, splitChannelKey } from "@plexus/protocol";
import { jitteredMs, type PresenceVersion, readMembers } from "@plexus/runtime";
import { type PresenceDifference, type PresenceEventFrame, PresenceView } from "./presence-view.js";
import type { RelayContext, RelayedChannel } from "./relay-context.js";

const MAX_QUEUED_EVENTS = 1_000;
const RETRY_MS = 1_000;
/** A list that may be incomplete is read again so soon. */
const STALE_RETRY_MS = 2_000;

export interface MemberList {
  members: Member[];
  stale: boolean;
}

/**
 * Keeps a channel's {@link PresenceView} true while connections here watch it: reads the list page by page,
 * applies events, reads it anew where one is missing, and tells the watchers what changed.
 */
export class PresenceKeeper {
  readonly #context: RelayContext;
  readonly #relay: RelayedChannel;
  #view: PresenceView | null = null;
  #watchers = 0;
  #stale = false;
  #reading: Promise<void> | undefined;
  #queued: PresenceEventFrame[] = [];
  #again = false;
  /** See {@link listEnd}; null where the members are not as they were. */
  #listEnd: Buffer | null = null;

  constructor(context: RelayContext, relay: RelayedChannel) {
    this.#context = context;
    this.#relay = relay;
  }

  /** Begins to watch; resolves once the list is there. Rejects if the actor does not answer in time. */
  async watch(): Promise<void> {
    this.#watchers++;
    if (this.#view === null) await this.#read();
  }

  unwatch(): void {
    this.#watchers--;
    if (this.#watchers > 0) return;
    this.#view = null;
    this.#listEnd = null;
    this.#queued = [];
  }

  /** The members now; empty and stale while nothing is known. */
  list(): MemberList {
    return { members: this.#view?.members() ?? [], stale: this.#stale || this.#view === null };
  }

  /**
   * The end of an answer that lists the members, in JSON. It is kept until they change: everybody who comes gets all of
   * them, and where thousands come and go, putting the list together for each would be most of what this process does.
   */
  listEnd(): Buffer {
    if (this.#listEnd === null) {
      const { members, stale } = this.list();
      const end = { members, count: members.length, ...(stale ? { stale } : {}) };
      this.#listEnd = Buffer.from(`,${JSON.stringify(end).slice(1)}`);
    }
    return this.#listEnd;
  }

  event(bytes: Uint8Array): void {
    if (this.#watchers === 0) return;
    const frame = JSON.parse(Buffer.from(bytes).toString()) as PresenceEventFrame;
    if (this.#reading !== undefined) {
      if (this.#queued.push(frame) > MAX_QUEUED_EVENTS) this.#again = true;
      if (this.#again) this.#queued = [];
      return;
    }
    this.#apply(frame);
  }

  /** The actor's version, from a comparison of heads; events on the way have arrived before it. */
  versionSeen(version: PresenceVersion): void {
    const known = this.#view?.version;
    if (known === undefined || known === null || this.#reading !== undefined) return;
    if (known[0] !== version[0] || known[1] < version[1]) this.#readAgain();
  }

  #apply(frame: PresenceEventFrame): void {
    const difference = this.#view?.event(frame) ?? null;
    if (difference === "missed") this.#readAgain();
    else this.#show(difference);
  }

  #show(difference: PresenceDifference | null): void {
    this.#listEnd = null;
    if (difference === null) return;
    const frame = { op: "presence", ch: this.#relay.channel, ...difference };
    this.#context.fanOut.publish(this.#relay.key, "presence", Buffer.from(JSON.stringify(frame)));
  }

  #readAgain(): void {
    if (this.#watchers === 0) return;
    this.#read().catch((error: unknown) => {
      this.#context.log.debug(
        { err: error, ...splitChannelKey(this.#relay.key) },
        "members could not be read yet",
      );
      setTimeout(() => this.#readAgain(), jitteredMs(RETRY_MS)).unref();
    });
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readList().finally(() => {
      this.#reading = undefined;
      const queued = this.#queued;
      this.#queued = [];
      if (this.#again && this.#watchers > 0) {
        this.#again = false;
        this.#readAgain();
      } else for (const frame of queued) this.#apply(frame);
    });
    return this.#reading;
  }

  async #readList(): Promise<void> {
    const { tenant, channel } = this.#relay;
    const { version, members, stale } = await readMembers(this.#context.router, tenant, channel);
    if (this.#watchers === 0) return;
    this.#stale = stale;
    this.#listEnd = null;
    this.#view ??= new PresenceView((conn) => this.#relay.announcer.get(conn));
    this.#show(this.#view.snapshot(version, members, stale));
    if (stale) setTimeout(() => this.#readAgain(), jitteredMs(STALE_RETRY_MS)).unref();
  }
}
