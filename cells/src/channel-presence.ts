import { PlexusError, splitChannelKey } from "@plexus/protocol";
import {
  jitteredMs,
  type Logger,
  type PresenceChange,
  type PresencePage,
  type PresenceSnapshot,
  type PresenceVersion,
} from "@plexus/runtime";

import { type HeldMember, MAX_MEMBERS, PresenceSet } from "./presence.js";
import { LEASE_MS, type PresenceStore } from "./presence-store.js";

/**
 * So long after a take-over without a list a gateway may come with members: until its lease is over, also where it stood
 * still meanwhile, and then as long as it takes to announce them. Those of many thousands of channels that are lost at
 * once may come a few seconds later, and bots, who have a longer lease, within that.
 */
const SETTLE_MS = LEASE_MS + 2_000;
/** Changes within so many milliseconds of an event share the next one. */
const EVENT_INTERVAL_MS = 50;
const RETRY_MS = 1_000;
/** Redis gets so long to say who was there; then it is asked again later, and until then the list is stale. */
const RESTORE_WAIT_MS = 250;

/** Asks a channel's previous home for a page of the members that it had. */
export type AskPage = (page: PresencePage) => Promise<PresenceSnapshot>;

/**
 * Runs a channel's {@link PresenceSet}: restores it from Redis, announces what changes, mirrors it back.
 *
 * Redis being away delays the mirror and marks answers as stale; it delays no announcement by more than a moment.
 */
export class ChannelPresence {
  readonly #key: string;
  readonly #channel: string;
  readonly #store: PresenceStore;
  readonly #announce: (frame: Uint8Array) => void;
  readonly #log: Logger;
  readonly #set = new PresenceSet(crypto.randomUUID().slice(0, 8));
  #restored: Promise<void> | undefined;
  #isRestored = false;
  #stale = false;
  #settlingUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #lastEventAt = Number.NEGATIVE_INFINITY;
  #mirroring = false;
  #stopped = false;
  /** Its next home has everybody; here they are kept only in case it did not hear the answer. */
  #given = false;
  /** Those who wait for the next event: readers of lists, each of them with a deadline. */
  #waiting: Array<() => void> = [];

  constructor(context: {
    key: string;
    channel: string;
    store: PresenceStore;
    announce: (frame: Uint8Array) => void;
    log: Logger;
  }) {
    this.#key = context.key;
    this.#channel = context.channel;
    this.#store = context.store;
    this.#announce = context.announce;
    this.#log = context.log;
  }

  /** Nothing is left to be announced or written. */
  get quiet(): boolean {
    return this.#given || (!this.#set.changed && this.#set.mirrored && !this.#mirroring && !this.#stale);
  }

  get hasMembers(): boolean {
    return !this.#given && this.#set.size > 0;
  }

  /** Those that have members here, as far as is known. */
  get gateways(): Iterable<string> {
    return this.#given ? [] : this.#set.gateways;
  }

  /** What there is to compare for a gateway; null as long as nothing is known yet, which must hold nobody up. */
  seenBy(gateway: string): { version: PresenceVersion; members: number } | null {
    void this.#restore();
    if (!this.#isRestored) return null;
    return { version: this.#set.version, members: this.#set.membersOf(gateway) };
  }

  /** Rejects with `limit_reached` if some were not admitted; the rest of the change is done. */
  async change(change: PresenceChange): Promise<void> {
    await this.#restore();
    const refused = this.#set.apply(change);
    this.#schedule();
    if (refused.length > 0)
      throw new PlexusError("limit_reached", `the channel has ${MAX_MEMBERS} members already`);
  }

  /** A list has everybody whose joining was acknowledged before it was asked for. */
  async page(page: PresencePage): Promise<PresenceSnapshot> {
    await this.#restore();
    if (page.at === null) await this.#toldAll();
    return this.#set.page(page, { stale: this.#isStale });
  }

  /** Somebody may be missing who is here. */
  get #isStale(): boolean {
    return this.#stale || performance.now() < this.#settlingUntil;
  }

  /**
   * Takes the members over from the channel's previous home. Where they can't be had, the gateways announce
   * them again, and until then the list is marked as stale; also where that home's own list was. `ask` is null if there is
   * nobody to be asked.
   */
  takeOver(ask: AskPage | null): void {
    if (ask === null) {
      this.settle();
      this.#begin(Promise.resolve());
      return;
    }
    const taken = allPages(ask).then(
      ({ members, stale }) => {
        this.#set.takeOver(members);
        if (stale) this.settle();
        this.#schedule();
      },
      (error: unknown) => {
        this.#log.warn(
          { err: error, ...splitChannelKey(this.#key) },
          "members could not be taken over, waiting for gateways",
        );
        this.settle();
      },
    );
    this.#begin(taken);
  }

  /** Marks the list as stale for as long as gateways take to announce their members. */
  settle(): void {
    this.#settlingUntil = performance.now() + SETTLE_MS;
  }

  /**
   * A page for the channel's next home, which announces nobody that is on it. With the last one Redis here forgets
   * everybody; asked again, because an answer was lost or slow, this side says the same once more.
   */
  async handOver(page: PresencePage): Promise<PresenceSnapshot> {
    await this.#restore();
    while (page.at === null && this.#set.changed) this.#announceChanges();
    const answer = this.#set.page(page, { held: true, stale: this.#isStale });
    if (answer.next === null && !this.#given) {
      this.#given = true;
      void this.#forget([...this.#set.gateways]);
    }
    return answer;
  }

  /**
   * The channel has another home: nothing is kept of these gateways, nor of anybody here who was not given away. A next
   * home that asks after that is told that the list is not whole.
   */
  async abandon(gateways: readonly string[] = []): Promise<void> {
    if (this.#given) return this.#forget(gateways);
    if (this.#set.size > 0) this.settle();
    await this.#forget([...this.#set.abandon(), ...gateways]);
  }

  /** Has Redis forget the channel, without announcing anything. */
  async #forget(gateways: readonly string[]): Promise<void> {
    this.stop();
    try {
      await this.#store.abandon(this.#key, gateways);
    } catch (error) {
      // What stays in Redis is swept with the lease of its gateway.
      this.#log.debug(
        { err: error, ...splitChannelKey(this.#key) },
        "members of a channel that moved could not be removed",
      );
    }
  }

  async drop(gateway: string): Promise<void> {
    await this.#restore();
    this.#set.drop(gateway);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#goOn();
  }

  /** Waits until what has changed so far is announced, within one interval unless very much has. */
  async #toldAll(): Promise<void> {
    const { noticed } = this.#set;
    while (this.#set.told < noticed && !this.#stopped)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #goOn(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #restore(): Promise<void> {
    if (this.#restored !== undefined) return this.#restored;
    const restored = inTime(this.#store.load(this.#key), RESTORE_WAIT_MS).then(
      (members) => this.#set.restore(members),
      (error: unknown) => {
        this.#log.warn(
          { err: error, ...splitChannelKey(this.#key) },
          "presence could not be restored, going on without",
        );
        this.#stale = true;
        this.#schedule(jitteredMs(RETRY_MS));
      },
    );
    return this.#begin(restored);
  }

  #begin(restored: Promise<void>): Promise<void> {
    this.#restored = restored.then(() => {
      this.#isRestored = true;
    });
    return this.#restored;
  }

  #schedule(waitMs = Math.max(0, this.#lastEventAt + EVENT_INTERVAL_MS - performance.now())): void {
    const dueAt = performance.now() + waitMs;
    // What is announced does not wait for the next time that Redis is asked.
    if (this.#stopped || (this.#timer !== undefined && this.#dueAt <= dueAt)) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#announceChanges();
      void this.#writeBack();
    }, waitMs);
  }

  #announceChanges(): void {
    const event = this.#set.takeEvent();
    if (event !== null) {
      const { version: v, join, leave, update } = event;
      const frame = {
        op: "presence",
        ch: this.#channel,
        v,
        ...(join.length > 0 ? { join } : {}),
        ...(leave.length > 0 ? { leave } : {}),
        ...(update.length > 0 ? { update } : {}),
      };
      this.#announce(Buffer.from(JSON.stringify(frame)));
      this.#lastEventAt = performance.now();
    }
    this.#goOn();
    if (this.#set.changed) this.#schedule();
  }

  /** Restores what could not be restored, then writes what has changed; tries again until both are done. */
  async #writeBack(): Promise<void> {
    if (this.#mirroring) return;
    this.#mirroring = true;
    const unmirrored = this.#set.takeUnmirrored();
    try {
      if (this.#stale) {
        this.#set.restoreLate(await this.#store.load(this.#key));
        this.#stale = false;
        this.#schedule();
      }
      if (this.#given) return;
      if (unmirrored.whole || unmirrored.changes.length + unmirrored.holds.size > 0)
        await this.#store.mirror(this.#key, unmirrored);
    } catch (error) {
      this.#log.debug({ err: error, ...splitChannelKey(this.#key) }, "presence could not be mirrored yet");
      this.#set.unmirror(unmirrored);
      this.#schedule(jitteredMs(RETRY_MS));
    } finally {
      this.#mirroring = false;
    }
    if (this.#set.changed || (!this.#set.mirrored && !this.#stale)) this.#schedule();
  }
}

/** Rejects if there is no answer by then; whatever comes later is dropped. */
function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PlexusError("unavailable", "no answer in time")), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

async function allPages(ask: AskPage): Promise<{ members: HeldMember[]; stale: boolean }> {
  const members: HeldMember[] = [];
  let page: PresencePage = { at: null, from: 0 };
  for (;;) {
    const { version, next, members: some, stale } = await ask(page);
    members.push(...(some as HeldMember[]));
    if (next === null) return { members, stale };
    page = { at: version, from: next };
  }
}
