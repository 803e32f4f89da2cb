/** When which client's network is away: made from a seed, the same for everything that is compared. */
import { Seeded } from "../harness/seeded.js";

/** How long a network is away each time, … */
export const DROP_MS = 2_000;
/** … and how long it is there in between: 5 s on average. */
const UP_MS = { least: 1_000, most: 9_000 };

export interface Drop {
  readonly client: number;
  readonly atMs: number;
}

/** In the order in which they happen; all of them are over after `forMs`. */
export function dropsOf(seed: number, clients: number, forMs: number): Drop[] {
  const random = new Seeded(seed);
  const drops: Drop[] = [];
  for (let client = 0; client < clients; client++) {
    // The first one anywhere in a round, so that they do not all begin together.
    let atMs = random.int(0, UP_MS.most);
    while (atMs + DROP_MS <= forMs) {
      drops.push({ client, atMs });
      atMs += DROP_MS + random.int(UP_MS.least, UP_MS.most);
    }
  }
  return drops.sort((a, b) => a.atMs - b.atMs);
}
