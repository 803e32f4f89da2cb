import type { KV } from "@nats-io/kv";
import { type HubOptions, hubBucket, type Logger, type NatsConnection } from "@plexus/runtime";

const BUCKET = "plexus-hooks-lease";
const KEY = "active";
/** A holder that does not renew it has lost it after this … */
const LEASE_MS = 6_000;
/** … and takes it for lost itself a little earlier. */
const MARGIN_MS = 1_500;
const RENEW_MS = 1_500;

/**
 * Which of several processes is the active one: an entry that its bucket forgets unless it is renewed. One that hangs
 * is followed by another within seconds; that both may believe to be active for a moment does no harm, since what they
 * write carries the same ids, and the position of a webhook is changed by compare-and-set.
 */
export class Lease {
  readonly #kv: KV;
  readonly #instance: string;
  readonly #log: Logger;
  readonly #onChange: (isActive: boolean) => void;
  #revision = 0;
  #validUntil = 0;
  #wasActive = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(kv: KV, instance: string, log: Logger, onChange: (isActive: boolean) => void) {
    this.#kv = kv;
    this.#instance = instance;
    this.#log = log;
    this.#onChange = onChange;
  }

  static async open(
    nats: NatsConnection,
    instance: string,
    log: Logger,
    onChange: (isActive: boolean) => void,
    hub: HubOptions,
  ): Promise<Lease> {
    const kv = await hubBucket(nats, log, { name: BUCKET, history: 1, ttl: LEASE_MS }, hub);
    const lease = new Lease(kv, instance, log, onChange);
    void lease.#run();
    return lease;
  }

  isActive(now: number): boolean {
    return now < this.#validUntil;
  }

  /** Gives it back, so that another one needs not wait for its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const held = this.isActive(performance.now());
    this.#validUntil = 0;
    if (held)
      await this.#kv
        .delete(KEY, { previousSeq: this.#revision })
        .catch((error: unknown) => this.#log.debug({ err: error }, "the lease could not be given back"));
  }

  async #run(): Promise<void> {
    const asked = performance.now();
    try {
      this.#revision =
        this.#revision === 0
          ? await this.#kv.create(KEY, this.#instance)
          : await this.#kv.update(KEY, this.#instance, this.#revision);
      this.#validUntil = asked + LEASE_MS - MARGIN_MS;
    } catch (error) {
      // Somebody else has it, or the bus is away: what is held already lasts until its time is over.
      this.#log.debug({ err: error }, "the lease could not be had");
      if (!this.isActive(performance.now())) this.#revision = 0;
    }
    if (this.#stopped) return;
    const isActive = this.isActive(performance.now());
    if (isActive !== this.#wasActive) {
      this.#wasActive = isActive;
      this.#log.info({ active: isActive }, isActive ? "active from now on" : "standing by");
      this.#onChange(isActive);
    }
    this.#timer = setTimeout(() => void this.#run(), RENEW_MS);
  }
}
