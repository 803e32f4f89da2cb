/** Runs the {@link PublishQueue}: sends what it says on the connection there is, and tells who waits. */
import { PlexusError, type PubOk } from "@plexus/protocol";
import { retryDelay } from "./backoff.js";
import { Alarm } from "./clock.js";
import { type Deferred, defer, isRetryable, LinkLost } from "./errors.js";
import type { Link } from "./link.js";
import type { Settings } from "./options.js";
import { type Publish, PublishQueue } from "./publish-queue.js";

/** Where a message was stored. */
export interface Published {
  /** The message's id, as subscribers see it. */
  readonly mid: string;
  readonly epoch: string;
  readonly seq: number;
  /** The time of storing, milliseconds since 1970. */
  readonly ts: number;
  /** It had been stored already: this was a repetition. */
  readonly dup: boolean;
}

const encoder = new TextEncoder();

export class Publisher {
  readonly #settings: Settings;
  readonly #queue: PublishQueue;
  readonly #answers = new Map<Publish, Deferred<Published>>();
  readonly #alarm: Alarm;
  readonly #emptied: Array<() => void> = [];
  #link: Link | null = null;
  #pumping = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#queue = new PublishQueue(settings);
    this.#alarm = new Alarm(settings.clock, () => this.#pump());
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Rejects at once where the queue is full or `data` is no JSON. */
  async publish(channel: string, data: unknown, mid: string, trace?: string): Promise<Published> {
    // Somebody repeats what is still under way: both wait for the same answer.
    const same = this.#queue.find(channel, mid);
    if (same !== undefined) return this.#answerTo(same).promise;
    const json = toJson(data);
    const bytes = encoder.encode(json).byteLength;
    // A copy: what the application does to its object later must not change a retry.
    const now = this.#settings.clock.now();
    const publish = this.#queue.add(channel, mid, JSON.parse(json), bytes, now, trace);
    this.#pumpSoon();
    return this.#answerTo(publish).promise;
  }

  /** New publishes go to `link`; null: they wait. */
  attach(link: Link | null): void {
    this.#link = link;
    this.#pumpSoon();
  }

  lost(link: Link): void {
    this.#queue.lost(link.id);
    this.#pumpSoon();
  }

  /** Resolves when nothing waits for an answer any more. */
  flush(): Promise<void> {
    if (this.#queue.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  /** Gives everything up. */
  stop(error: PlexusError): void {
    for (const publish of this.#queue.all()) this.#reject(publish, error);
    this.#alarm.clear();
  }

  #answerTo(publish: Publish): Deferred<Published> {
    const known = this.#answers.get(publish);
    if (known !== undefined) return known;
    const answer = defer<Published>();
    this.#answers.set(publish, answer);
    return answer;
  }

  /** Once per turn, so that what is published in a loop is sent together. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    const now = this.#settings.clock.now();
    for (const { publish, error } of this.#queue.expire(now)) this.#tell(publish, error);
    const link = this.#link;
    if (link?.welcome !== undefined) {
      const room = link.welcome.limits.inFlight - this.#queue.inFlight(link.id);
      for (const publish of this.#queue.take(link.id, room, now)) this.#send(link, publish);
    }
    this.#alarm.set(this.#queue.nextAt(now));
  }

  #send(link: Link, publish: Publish): void {
    const { channel: ch, mid, data, trace } = publish;
    link.ask(
      { op: "pub", ch, data, mid, ...(trace === undefined ? {} : { trace }) },
      {
        ok: (frame) => {
          const { epoch, seq, ts, dup } = frame as PubOk;
          this.#queue.settle(publish);
          this.#tell(publish, { mid, epoch, seq, ts, dup: dup === true });
          this.#pumpSoon();
        },
        error: (error) => this.#refused(link, publish, error),
      },
    );
  }

  #refused(link: Link, publish: Publish, error: PlexusError): void {
    // The queue hears of the connection's end as a whole; given up means that nobody waits any more.
    if (error instanceof LinkLost || publish.link !== link.id || !this.#answers.has(publish)) return;
    if (isRetryable(error)) {
      const { clock, random } = this.#settings;
      const delayMs = retryDelay(publish.failures, error.retry, this.#settings, random);
      this.#queue.refuse(publish, error, delayMs, clock.now());
    } else this.#reject(publish, error);
    this.#pumpSoon();
  }

  #reject(publish: Publish, error: PlexusError): void {
    this.#queue.settle(publish);
    this.#tell(publish, error);
  }

  #tell(publish: Publish, outcome: Published | PlexusError): void {
    const answer = this.#answers.get(publish);
    this.#answers.delete(publish);
    if (outcome instanceof PlexusError) answer?.reject(outcome);
    else answer?.resolve(outcome);
    if (this.#queue.size === 0) for (const resolve of this.#emptied.splice(0)) resolve();
  }
}

function toJson(data: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    throw new PlexusError("bad_request", "data can't be said in JSON", { cause });
  }
  if (json === undefined) throw new PlexusError("bad_request", "data is missing");
  return json;
}
