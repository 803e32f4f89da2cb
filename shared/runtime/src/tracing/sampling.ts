/** Which publishes are traced; pure but for the bucket's level. */
import type { TraceContext } from "@plexus/protocol";
import { TokenBucket } from "../token-bucket.js";

export interface SamplingOptions {
  /** The share of publishes that bring no context of their own; 0 to 1. */
  readonly ratio: number;
  /** Publishes per second whose senders ask for it: they could ask for all. */
  readonly maxPerS: number;
}

/** A context that says "not sampled" is obeyed: whoever made it has decided. */
export class Sampler {
  readonly #ratio: number;
  readonly #rate: { perSecond: number; burst: number };
  readonly #asked: TokenBucket;

  constructor({ ratio, maxPerS }: SamplingOptions, now: number) {
    this.#ratio = ratio;
    this.#rate = { perSecond: maxPerS, burst: maxPerS };
    this.#asked = new TokenBucket(this.#rate, now);
  }

  /** `refused`: the sender asks for it, and too many do. */
  decide(given: TraceContext | null, random: number, now: number): "yes" | "no" | "refused" {
    if (given === null) return random < this.#ratio ? "yes" : "no";
    if (!given.sampled) return "no";
    if (this.#rate.perSecond === 0) return "refused";
    return this.#asked.take(this.#rate, now) === 0 ? "yes" : "refused";
  }
}
