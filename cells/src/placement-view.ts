import type { CellState } from "@plexus/runtime";

/** Where channels live, as far as this worker knows. */
export interface PlacementView {
  isHome(tenant: string, channel: string): boolean;
  /** The other cells where the channel may still be, most likely first. */
  previousHomes(tenant: string, channel: string): string[];
  stateOf(cell: string): CellState | undefined;
}
