import { channelKey, PlexusError, splitChannelKey } from "@plexus/protocol";
import { boundReached, onReconnect, Rounds, type TailBytes } from "@plexus/runtime";
import { ChannelRelay, type RelayOwner } from "./channel-relay.js";
import { compareHeads } from "./heads.js";
import * as metrics from "./metrics.js";
import type { RelayContext } from "./relay-context.js";

const SWEEP_MS = 250;
/** A relay nobody needs stays so long, for those who come back. */
const LINGER_MS = 5_000;
/** Every relay is looked at once in so long, and more often only where something is due. */
const ROUND_MS = 5_000;
/** Records kept for recoveries: all together so many bytes at most; beyond, all are dropped and the actors asked instead. */
const MAX_TAIL_BYTES = 256 * 1024 * 1024;
/** After a reconnect to the bus every relay compares heads, spread over so long. */
const RECHECK_SPREAD_MS = 500;
/**
 * After a change of homes channels with subscribers are asked for at their new one, which makes them move, so many
 * per second; those that are published to don't wait for that.
 */
const MOVES_PER_SECOND = 250;
const MOVE_SPREAD_LEAST_MS = 2_000;

/** All relays of a gateway: made for the first subscriber of a channel, and put away some time after the last. */
export class Relays implements RelayOwner {
  readonly context: RelayContext;
  readonly tails: TailBytes = { bytes: 0 };
  readonly #maxRelays: number;
  readonly #relays = new Map<string, ChannelRelay>();
  readonly #rounds = new Rounds(this.#relays, ROUND_MS / SWEEP_MS);
  /** Those that are due before their turn comes. */
  readonly #soon = new Set<ChannelRelay>();
  readonly #sweep: NodeJS.Timeout;

  constructor(context: RelayContext, maxRelays: number) {
    this.context = context;
    this.#maxRelays = maxRelays;
    this.#sweep = setInterval(() => this.#onSweep(performance.now()), SWEEP_MS);
    onReconnect(context.nats, () => this.#compareAll());
  }

  /** The channel's relay, with one subscriber more; give it back with {@link release}. */
  acquire(tenant: string, channel: string): ChannelRelay {
    const key = channelKey(tenant, channel);
    const relay = this.#relays.get(key) ?? this.#make(key, tenant, channel);
    relay.subscribers++;
    return relay;
  }

  due(relay: ChannelRelay): void {
    if (relay.nextCheckAt < performance.now() + ROUND_MS) this.#soon.add(relay);
  }

  release(relay: ChannelRelay): void {
    relay.subscribers--;
    relay.unusedSince = performance.now();
  }

  /** The relay of a channel that has one. */
  find(tenant: string, channel: string): ChannelRelay | undefined {
    return this.#relays.get(channelKey(tenant, channel));
  }

  all(): IterableIterator<ChannelRelay> {
    return this.#relays.values();
  }

  /** Channels that have another home now are asked for there, spread over a while: that makes them move. */
  homesChanged(): void {
    const moved: ChannelRelay[] = [];
    for (const relay of this.#relays.values()) {
      const home = relay.lookUpHome();
      if (home === relay.home) continue;
      relay.home = home;
      moved.push(relay);
    }
    const now = performance.now();
    const spreadMs = Math.max(MOVE_SPREAD_LEAST_MS, (moved.length * 1_000) / MOVES_PER_SECOND);
    for (const relay of moved) relay.checkAt(Math.min(relay.nextCheckAt, now + Math.random() * spreadMs));
  }

  stop(): void {
    clearInterval(this.#sweep);
    for (const relay of this.#relays.values()) relay.stop();
  }

  #make(key: string, tenant: string, channel: string): ChannelRelay {
    if (this.#relays.size >= this.#maxRelays) {
      boundReached.inc({ bound: "relays" });
      throw new PlexusError("limit_reached", "this gateway serves too many channels");
    }
    const relay = new ChannelRelay(this, key, tenant, channel);
    this.#relays.set(key, relay);
    relay.opened.catch(() => this.#discard(relay));
    metrics.relays.set(this.#relays.size);
    return relay;
  }

  /** Where it was put away before, while it was still being opened, the channel may have another one by now. */
  #discard(relay: ChannelRelay): void {
    if (this.#relays.get(relay.key) !== relay) return;
    relay.stop();
    this.#relays.delete(relay.key);
    this.#soon.delete(relay);
    metrics.relays.set(this.#relays.size);
  }

  #onSweep(now: number): void {
    const due: ChannelRelay[] = [];
    for (const relay of this.#soon) {
      if (relay.nextCheckAt >= now + ROUND_MS) this.#soon.delete(relay);
      else if (now >= relay.nextCheckAt) due.push(relay);
    }
    for (const relay of this.#rounds.share()) {
      if (relay.subscribers === 0 && relay.isAnnounced && now - relay.unusedSince > LINGER_MS) {
        this.#discard(relay);
        continue;
      }
      if (now >= relay.nextCheckAt && !this.#soon.has(relay)) due.push(relay);
      relay.dropOldTail(now);
    }
    this.#compare(due);
    if (this.tails.bytes > MAX_TAIL_BYTES) {
      boundReached.inc({ bound: "relay_tail_bytes" });
      for (const relay of this.#relays.values()) relay.relay.tail.clear();
    }
    metrics.tailBytes.set(this.tails.bytes);
  }

  #compare(relays: readonly ChannelRelay[]): void {
    const { router, gateway, log } = this.context;
    compareHeads(relays, router, gateway, ({ key }, error) =>
      log.debug({ err: error, ...splitChannelKey(key) }, "head could not be compared"),
    );
  }

  /** Whatever was sent while the connection was away is lost: compare every head. */
  #compareAll(): void {
    const now = performance.now();
    for (const relay of this.#relays.values()) relay.checkAt(now + Math.random() * RECHECK_SPREAD_MS);
  }
}
