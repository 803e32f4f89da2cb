import {
  type CellState,
  type Directory,
  type DirectoryStore,
  homeOf,
  previousHomesOf,
} from "@plexus/runtime";

/** Where channels live, as far as this worker knows. */
export interface PlacementView {
  isHome(tenant: string, channel: string): boolean;
  /** The other cells where the channel may still be, most likely first. */
  previousHomes(tenant: string, channel: string): string[];
  stateOf(cell: string): CellState | undefined;
  /** Whether the channel had another home until a moment ago. */
  cameLately(tenant: string, channel: string): boolean;
}

/** Gateways ask for the channels that they use within 2 s of a change, and announce their members with that. */
const LATELY_MS = 10_000;
/** More changes than that within the same time are no operator's; the oldest are forgotten. */
const MAX_FORMER = 8;

/** @param now of a clock that does not jump */
export function placementView(
  directory: DirectoryStore,
  cell: string,
  now: () => number = () => performance.now(),
): PlacementView {
  let current = directory.current;
  let former: Array<{ directory: Directory; until: number }> = [];
  directory.onChange((changed) => {
    former = [...former.slice(1 - MAX_FORMER), { directory: current, until: now() + LATELY_MS }];
    current = changed;
  });
  return {
    isHome: (tenant, channel) => homeOf(directory.current, tenant, channel)?.cell === cell,
    previousHomes: (tenant, channel) => previousHomesOf(directory.current, tenant, channel),
    stateOf: (id) => stateOf(directory, id),
    cameLately: (tenant, channel) =>
      former.some((one) => one.until > now() && livedElsewhere(one.directory, tenant, channel, cell)),
  };
}

function livedElsewhere(directory: Directory, tenant: string, channel: string, cell: string): boolean {
  const home = homeOf(directory, tenant, channel)?.cell;
  return home !== undefined && home !== cell;
}

export function stateOf(directory: DirectoryStore, cell: string): CellState | undefined {
  return directory.current.cells.find((entry) => entry.id === cell)?.state;
}
