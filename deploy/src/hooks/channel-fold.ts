/** Which channels have subscribers, and what of that has been told; pure, a part of {@link Fold}. */
import { channelKey, splitChannelKey } from "@plexus/protocol";
import type { LifecycleEvent } from "@plexus/runtime";
import type { Debts } from "./debts.js";

interface Channel {
  subscribers: number;
  /** What the stream said last. */
  occupied: boolean;
  /** Ids of what is owed. */
  occupiedOwed: string | null;
  vacatedOwed: string | null;
  /** Since when nobody is there, and the id of the event that made it so. */
  empty: { since: number; cause: string } | null;
}

export interface Cause {
  readonly id: string;
  readonly ts: number;
  /** Whether somebody has to be told what follows from it. */
  readonly tell: boolean;
}

export class ChannelFold {
  readonly #graceMs: number;
  readonly #debts: Debts;
  readonly #channels = new Map<string, Channel>();
  /** Those without subscribers. */
  readonly #empty = new Set<string>();

  constructor(graceMs: number, debts: Debts) {
    this.#graceMs = graceMs;
    this.#debts = debts;
  }

  get size(): number {
    return this.#channels.size;
  }

  joined(tenant: string, ch: string, { id, ts, tell }: Cause, now: number): void {
    const key = channelKey(tenant, ch);
    const channel = this.#channel(key, now);
    channel.subscribers++;
    channel.empty = null;
    this.#empty.delete(key);
    if (channel.vacatedOwed !== null) {
      this.#debts.settle(channel.vacatedOwed);
      channel.vacatedOwed = null;
    }
    if (channel.occupied || channel.occupiedOwed !== null) return;
    if (tell) this.#oweOccupied(key, channel, id, ts);
    else channel.occupied = true;
  }

  left(tenant: string, ch: string, { id, tell }: Cause, now: number): void {
    const key = channelKey(tenant, ch);
    const channel = this.#channels.get(key);
    if (channel === undefined || --channel.subscribers > 0) return;
    if (tell) this.#isEmpty(key, channel, id, now);
    else {
      if (channel.occupiedOwed !== null) this.#debts.settle(channel.occupiedOwed);
      this.#remove(key);
    }
  }

  /** The stream says that it is occupied, or vacated. */
  told(event: LifecycleEvent, now: number): void {
    const key = channelKey(event.tenant, event.ch!);
    const channel = this.#channel(key, now, event.id);
    if (event.kind === "occupied") {
      channel.occupied = true;
      channel.occupiedOwed = null;
      return;
    }
    channel.occupied = false;
    channel.vacatedOwed = null;
    // Somebody came while it was being written.
    if (channel.subscribers > 0) this.#oweOccupied(key, channel, event.id, event.ts);
    else if (channel.occupiedOwed === null) this.#remove(key);
  }

  tick(now: number, ts: number): void {
    for (const key of this.#empty) {
      const channel = this.#channels.get(key)!;
      if (channel.empty === null || !channel.occupied || channel.vacatedOwed !== null) continue;
      if (now - channel.empty.since < this.#graceMs) continue;
      channel.vacatedOwed = `${channel.empty.cause}.vacated`;
      this.#debts.owe({ ...channelEvent(key, "vacated", ts), id: channel.vacatedOwed });
    }
  }

  #channel(key: string, now: number, cause = ""): Channel {
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = { subscribers: 0, occupied: false, occupiedOwed: null, vacatedOwed: null, empty: null };
      this.#channels.set(key, channel);
      this.#isEmpty(key, channel, cause, now);
    }
    return channel;
  }

  #isEmpty(key: string, channel: Channel, cause: string, now: number): void {
    channel.empty = { since: now, cause };
    this.#empty.add(key);
  }

  #oweOccupied(key: string, channel: Channel, cause: string, ts: number): void {
    channel.occupiedOwed = `${cause}.occupied`;
    this.#debts.owe({ ...channelEvent(key, "occupied", ts), id: channel.occupiedOwed });
  }

  #remove(key: string): void {
    this.#channels.delete(key);
    this.#empty.delete(key);
  }
}

function channelEvent(key: string, kind: "occupied" | "vacated", ts: number): Omit<LifecycleEvent, "id"> {
  const { tenant, channel } = splitChannelKey(key);
  return { kind, tenant, ts, ch: channel, derived: true };
}
