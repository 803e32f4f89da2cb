import { channelKey, splitChannelKey } from "@plexus/protocol";
import { boundReached, type Commands, partitionOf, Rounds, type WireCommand } from "@plexus/runtime";
import { Actor } from "./actor.js";
import type { ActorContext } from "./actor-context.js";
import type { Asker } from "./asker.js";
import { nothingHeld } from "./channel-types.js";
import * as metrics from "./metrics.js";

/** How often actors that nobody needs are looked for: all of them are once in a tenth of the time after which they go. */
const SWEEP_MS = 1_000;
const ROUNDS_PER_IDLE = 10;
/**
 * Records kept in memory for those who read the past: all together so many bytes at most, a thousand full tails. Beyond,
 * all that is older than recoveries mostly need is dropped, or everything, and the log is read instead.
 */
const MAX_TAIL_BYTES = 256 * 1024 * 1024;
const TAIL_KEEP_MS = 120_000;

export interface ActorsOptions {
  /** Actors in memory; beyond it commands for further channels are refused with `unavailable`. */
  maxActors: number;
  /** Milliseconds without a command after which an actor is put away. */
  idleActorMs: number;
  /** Bytes of the records in the tails of all actors. */
  maxTailBytes?: number;
}

/** The actors in this worker's memory, made on demand and put away when idle. */
export class Actors {
  readonly held = nothingHeld();
  readonly #context: ActorContext;
  readonly #options: ActorsOptions;
  readonly #actors = new Map<string, Actor>();
  readonly #rounds: Rounds<Actor>;
  readonly #sweep: NodeJS.Timeout;

  constructor(context: Omit<ActorContext, "closed" | "held">, options: ActorsOptions) {
    this.#context = { ...context, held: this.held, closed: (actor) => this.#forget(actor) };
    this.#options = options;
    this.#rounds = new Rounds(
      this.#actors,
      Math.max(1, Math.floor(options.idleActorMs / ROUNDS_PER_IDLE / SWEEP_MS)),
    );
    this.#sweep = setInterval(() => this.sweep(Date.now()), SWEEP_MS);
  }

  handle(command: WireCommand, asker: Asker): void {
    const [, kind, tenant, channel] = command;
    if (kind === "heads") return this.#heads(command[4], channelKey(tenant, channel), asker);
    metrics.commands.add(kind);
    const key = channelKey(tenant, channel);
    let actor = this.#actors.get(key);
    if (actor !== undefined && isOver(actor) && kind !== "release" && kind !== "members_left") {
      actor.close();
      actor = undefined;
    }
    actor ??= this.#make(key, tenant, channel);
    if (actor !== undefined) return actor.handle(command, asker);
    metrics.refusedActors.inc();
    this.#context.answer(asker, ["unavailable", "too many channels are active", 1_000], null);
  }

  /** The channel's actor for work that comes from within; undefined if the bound on actors is reached. */
  byKey(key: string): Actor | undefined {
    const { tenant, channel } = splitChannelKey(key);
    return this.#actors.get(key) ?? this.#make(key, tenant, channel);
  }

  /** Ends the actors of partitions that now belong to somebody else. */
  closeWhere(belongsElsewhere: (partition: number) => boolean): void {
    for (const actor of [...this.#actors.values()])
      if (belongsElsewhere(partitionOf(actor.key))) actor.close();
  }

  /** Others may have served these channels for a while. */
  doubt(): void {
    for (const actor of this.#actors.values()) actor.doubt();
  }

  /**
   * Homes have changed. Ends the actors that only wait to be asked for their channel: it may be at home here now. And
   * those of channels that were never written to and are at home elsewhere: whoever has not heard of it yet must not
   * begin them here, where no sweep would find them.
   */
  closeIdle(): void {
    for (const actor of [...this.#actors.values()]) if (!actor.serves || actor.isStray) actor.close();
  }

  /** The channels in which gateways have members, by gateway. */
  byGateway(): Map<string, Actor[]> {
    const found = new Map<string, Actor[]>();
    for (const actor of this.#actors.values()) {
      if (!actor.hasMembers) continue;
      for (const gateway of actor.gateways) {
        const those = found.get(gateway);
        if (those === undefined) found.set(gateway, [actor]);
        else those.push(actor);
      }
    }
    return found;
  }

  get size(): number {
    return this.#actors.size;
  }

  /** Whether nothing is on its way to the log. */
  get quiet(): boolean {
    for (const actor of this.#actors.values()) if (!actor.quiet) return false;
    return true;
  }

  /** Looks at a share of the actors: puts away whom nobody needs, and has the others forget what is over. */
  sweep(now: number): void {
    for (const actor of this.#rounds.share()) {
      if (actor.isIdle(now, this.#options.idleActorMs)) actor.close();
      else actor.forgetOldIds(now);
    }
    this.#boundTails(now);
  }

  stop(): void {
    clearInterval(this.#sweep);
    for (const actor of [...this.#actors.values()]) actor.close();
  }

  #heads({ gateway, keys }: Commands["heads"]["ask"], addressed: string, asker: Asker): void {
    metrics.commands.add("head", keys.length);
    const partition = partitionOf(addressed);
    const asked = keys.map((key) => {
      const actor = partitionOf(key) === partition ? this.byKey(key) : undefined;
      return actor?.headAmongOthers(gateway) ?? null;
    });
    void Promise.all(asked).then((heads) => this.#context.answer(asker, null, { heads }));
  }

  #make(key: string, tenant: string, channel: string): Actor | undefined {
    if (this.#actors.size >= this.#options.maxActors) return undefined;
    const actor = new Actor(this.#context, tenant, channel);
    this.#actors.set(key, actor);
    metrics.actors.set(this.#actors.size);
    return actor;
  }

  #forget(actor: { readonly key: string }): void {
    if (this.#actors.get(actor.key) === actor) this.#actors.delete(actor.key);
    metrics.actors.set(this.#actors.size);
  }

  #boundTails(now: number): void {
    const { maxTailBytes = MAX_TAIL_BYTES } = this.#options;
    if (this.held.tails.bytes > maxTailBytes) {
      boundReached.inc({ bound: "actor_tail_bytes" });
      for (const { tail } of this.#actors.values()) tail.dropBefore(now - TAIL_KEEP_MS);
      if (this.held.tails.bytes > maxTailBytes) for (const { tail } of this.#actors.values()) tail.clear();
    }
    metrics.tailBytes.set(this.held.tails.bytes);
  }
}

/** It gave its channel away, and is asked for it while this is its home (again): it makes room. */
function isOver(actor: Actor): boolean {
  return !actor.serves && actor.isHome;
}
