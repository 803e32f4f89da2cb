import type { Seeded } from "../../harness/seeded.js";
import type { World } from "../world.js";

/** A fault that has begun. */
export interface ActiveFault {
  /** What it befell, for a person. */
  readonly target: string;
  /** Ends it, and resolves when what it befell is whole again. */
  end(): Promise<unknown>;
}

export interface Fault {
  readonly doc: string;
  /** How long it lasts: a time between these, in ms. */
  readonly lastsMs: readonly [number, number];
  /**
   * Begins it; undefined where there is nothing that it could befall now.
   *
   * @param chance decides what it befalls
   * @param over is aborted when it has to end: for a fault that repeats something
   */
  begin(world: World, chance: Seeded, over: AbortSignal): Promise<ActiveFault | undefined>;
}
