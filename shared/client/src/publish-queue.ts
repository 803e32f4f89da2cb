/**
 * Publishes that have no answer yet: the pure core. Data in, data out; no sockets, no timers.
 *
 * Invariants:
 * - Within a channel, publishes are sent in the order in which they were added. What was refused or lost goes
 *   before what is newer, with the same id.
 * - While a channel's head waits for its retry, nothing else of that channel is sent.
 * - A channel's unanswered publishes are on one connection only, so two connections never race.
 */
import { PlexusError } from "@plexus/protocol";
import type { Tuning } from "./options.js";

export type PublishLimits = Pick<
  Tuning,
  "maxQueuedPublishes" | "maxQueuedBytes" | "maxInFlightPerChannel" | "publishDeadlineMs"
>;

/** One publish on its way. The queue owns its fields; others read them. */
export interface Publish {
  readonly channel: string;
  readonly mid: string;
  readonly data: unknown;
  readonly bytes: number;
  /** The `traceparent` that it belongs to. */
  readonly trace: string | undefined;
  readonly deadlineAt: number;
  /** The connection that carries it and has not answered. */
  link: number | undefined;
  /** Failures in a row, for the backoff. */
  failures: number;
  /** Not to be sent again before; set by a retryable refusal. */
  retryAt: number | undefined;
  /** It may be stored, although nobody said so. */
  uncertain: boolean;
  /** The last refusal, shown when the deadline passes. */
  error: PlexusError | undefined;
}

/** Refusals after which a publish certainly was not stored. */
const CERTAIN = new Set(["rate_limited"]);

export class PublishQueue {
  readonly #limits: PublishLimits;
  /** Channel → its publishes in order. The map's order is the turn: who was served goes to the back. */
  readonly #lanes = new Map<string, Publish[]>();
  #size = 0;
  #bytes = 0;

  constructor(limits: PublishLimits) {
    this.#limits = limits;
  }

  /** Publishes without an answer, waiting and under way. */
  get size(): number {
    return this.#size;
  }

  /** How many `link` carries. */
  inFlight(link: number): number {
    return this.all().filter((publish) => publish.link === link).length;
  }

  find(channel: string, mid: string): Publish | undefined {
    return this.#lanes.get(channel)?.find((publish) => publish.mid === mid);
  }

  /** Throws `limit_reached` where the queue is full. */
  add(channel: string, mid: string, data: unknown, bytes: number, now: number, trace?: string): Publish {
    if (this.#size >= this.#limits.maxQueuedPublishes || this.#bytes + bytes > this.#limits.maxQueuedBytes)
      throw new PlexusError("limit_reached", "the publish queue is full");
    const publish: Publish = {
      ...{ channel, mid, data, bytes, trace, deadlineAt: now + this.#limits.publishDeadlineMs },
      ...{ link: undefined, failures: 0, retryAt: undefined, uncertain: false, error: undefined },
    };
    const lane = this.#lanes.get(channel);
    if (lane === undefined) this.#lanes.set(channel, [publish]);
    else lane.push(publish);
    this.#size += 1;
    this.#bytes += bytes;
    return publish;
  }

  /** What is to be sent on `link` now, `room` at most. It counts as under way from here on. */
  take(link: number, room: number, now: number): Publish[] {
    const taken: Publish[] = [];
    for (const [channel, lane] of [...this.#lanes]) {
      const before = taken.length;
      while (taken.length < room) {
        const publish = next(lane, link, this.#limits.maxInFlightPerChannel, now);
        if (publish === undefined) break;
        publish.link = link;
        publish.retryAt = undefined;
        taken.push(publish);
      }
      if (taken.length > before) this.#toTheBack(channel, lane);
      if (taken.length >= room) break;
    }
    return taken;
  }

  /** It has its answer, or is given up. */
  settle(publish: Publish): void {
    const lane = this.#lanes.get(publish.channel);
    const at = lane?.indexOf(publish) ?? -1;
    if (lane === undefined || at === -1) return;
    lane.splice(at, 1);
    if (lane.length === 0) this.#lanes.delete(publish.channel);
    this.#size -= 1;
    this.#bytes -= publish.bytes;
  }

  /** It was refused, but may succeed later: it is tried again after `delayMs`, before anything newer. */
  refuse(publish: Publish, error: PlexusError, delayMs: number, now: number): void {
    publish.link = undefined;
    publish.failures += 1;
    publish.retryAt = now + delayMs;
    publish.error = error;
    if (!CERTAIN.has(error.code)) publish.uncertain = true;
  }

  /** The connection is gone: what it had not answered goes again, at once and in order. */
  lost(link: number): void {
    for (const lane of this.#lanes.values())
      for (const publish of lane)
        if (publish.link === link) {
          publish.link = undefined;
          publish.uncertain = true;
        }
  }

  /** Removes what ran out of time; each with the error for whoever waits. */
  expire(now: number): Array<{ publish: Publish; error: PlexusError }> {
    const expired = this.all().filter((publish) => publish.deadlineAt <= now);
    for (const publish of expired) this.settle(publish);
    return expired.map((publish) => ({ publish, error: expiry(publish) }));
  }

  /**
   * When to look again after {@link take}: the next retry or deadline; undefined where nothing waits. What could
   * go by its time already waits for a connection, for room or for an answer, and no clock brings these.
   */
  nextAt(now: number): number | undefined {
    let at: number | undefined;
    for (const { retryAt, deadlineAt } of this.all()) {
      const due = retryAt !== undefined && retryAt > now ? Math.min(retryAt, deadlineAt) : deadlineAt;
      if (at === undefined || due < at) at = due;
    }
    return at;
  }

  /** Everything without an answer, in order per channel. */
  all(): Publish[] {
    return [...this.#lanes.values()].flat();
  }

  #toTheBack(channel: string, lane: Publish[]): void {
    this.#lanes.delete(channel);
    this.#lanes.set(channel, lane);
  }
}

/** The next publish of a channel that may be sent on `link`. */
function next(lane: readonly Publish[], link: number, most: number, now: number): Publish | undefined {
  const underWay = lane.filter((publish) => publish.link !== undefined);
  if (underWay.length >= most || underWay.some((publish) => publish.link !== link)) return undefined;
  const refused = lane.some((publish) => publish.failures > 0);
  // After a refusal the channel goes one by one, until all that was refused is settled.
  const first = refused ? lane[0] : lane.find((publish) => publish.link === undefined);
  if (first === undefined || first.link !== undefined) return undefined;
  return first.retryAt !== undefined && first.retryAt > now ? undefined : first;
}

function expiry(publish: Publish): PlexusError {
  if (publish.uncertain || publish.link !== undefined)
    return new PlexusError("timeout", "no answer before the deadline; the message may be stored", {
      ...(publish.error === undefined ? {} : { cause: publish.error }),
    });
  return publish.error ?? new PlexusError("unavailable", "not connected before the deadline; not stored");
}
