/**
 * How many connections one client's address may have, and how fast they may come. Pure: time is an argument.
 *
 * IPv6 addresses are counted by their /64. The null address is nobody's in particular, and is not counted.
 */
import { type BucketRate, networkOf, TokenBucket } from "@plexus/runtime";

/** Addresses whose pace is remembered; beyond it the one that came longest ago is forgotten, and begins anew. */
const MAX_PACES = 100_000;

export interface AddressBounds {
  /** Open at once; 0 for as many as they like. */
  readonly connections: number;
  /** Per second and at once; a rate of 0 for as fast as they like. */
  readonly rate: BucketRate;
}

export interface AddressRefusal {
  readonly reason: "address_connections" | "address_rate";
  /** After which to try again, where that is known. */
  readonly retryMs: number | undefined;
}

export class Addresses {
  readonly #bounds: AddressBounds;
  /** As many as have connections, so no more than there are connections. */
  readonly #open = new Map<string, number>();
  readonly #paces = new Map<string, TokenBucket>();

  constructor(bounds: AddressBounds) {
    this.#bounds = bounds;
  }

  /** Why a further connection is refused, or null; one that is not refused counts for the pace. */
  refusal(address: string | null, now: number): AddressRefusal | null {
    if (address === null) return null;
    const key = networkOf(address);
    const { connections } = this.#bounds;
    if (connections > 0 && (this.#open.get(key) ?? 0) >= connections)
      return { reason: "address_connections", retryMs: undefined };
    const retryMs = this.#takePace(key, now);
    return retryMs === 0 ? null : { reason: "address_rate", retryMs };
  }

  opened(address: string | null): void {
    if (address === null) return;
    const key = networkOf(address);
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
  }

  closed(address: string | null): void {
    if (address === null) return;
    const key = networkOf(address);
    const left = (this.#open.get(key) ?? 0) - 1;
    if (left > 0) this.#open.set(key, left);
    else this.#open.delete(key);
  }

  /** How many are remembered. */
  get size(): { open: number; paces: number } {
    return { open: this.#open.size, paces: this.#paces.size };
  }

  #takePace(key: string, now: number): number {
    const { rate } = this.#bounds;
    if (rate.perSecond === 0) return 0;
    const bucket = this.#paces.get(key) ?? new TokenBucket(rate, now);
    // To the end: the first one is who came longest ago.
    this.#paces.delete(key);
    this.#paces.set(key, bucket);
    if (this.#paces.size > MAX_PACES) {
      const [oldest] = this.#paces.keys();
      this.#paces.delete(oldest!);
    }
    return bucket.take(rate, now);
  }
}
