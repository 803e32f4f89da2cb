/**
 * Where a channel lives: pure functions that every gateway and worker computes alike.
 *
 * Weighted rendezvous hashing (Thaler and Ravishankar 1998; weights after Schindelhauer and Schomaker 2005):
 * each candidate gets a score for the key, the lowest wins. When a candidate comes or goes, only the keys
 * that it wins or loses move.
 */
import { hash32, mix32 } from "./hash.js";

/** Partitions of a cell: enough to spread over tens of workers, few enough to subscribe to one by one. */
export const PARTITIONS = 64;

const KEY_SEED = 1;
const PARTITION_SEED = 2;

export interface Candidate {
  readonly id: string;
  /** Share of the keys relative to the others; more than 0. */
  readonly weight: number;
}

/** The candidate that the key belongs to; undefined only if there is none. */
export function rendezvous<C extends Candidate>(key: string, candidates: readonly C[]): C | undefined {
  const keyHash = hash32(key, KEY_SEED);
  let best: C | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const unit = (mix32(keyHash ^ hash32(candidate.id)) + 0.5) / 0x1_0000_0000;
    const score = -Math.log(unit) / candidate.weight;
    if (score < bestScore || (score === bestScore && best !== undefined && candidate.id < best.id)) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}

export function partitionOf(channelKey: string): number {
  return hash32(channelKey, PARTITION_SEED) % PARTITIONS;
}

/** The worker that owns a partition, out of the cell's live workers. */
export function partitionOwner(partition: number, workers: readonly string[]): string | undefined {
  return rendezvous(
    `partition-${partition}`,
    workers.map((id) => ({ id, weight: 1 })),
  )?.id;
}
