/**
 * The directory: which cells there are. A few kilobytes that everybody holds, pure here; the shared copy is
 * kept by `directory-store.ts`.
 */
import { channelKey } from "@plexus/protocol";
import { partitionOf, rendezvous } from "./placement.js";

export type CellState = "joining" | "active" | "draining" | "drained" | "down";

export interface CellEntry {
  readonly id: string;
  readonly region: string;
  readonly state: CellState;
  readonly weight: number;
}

export interface Directory {
  /** Grows by one with every change. */
  readonly version: number;
  readonly cells: readonly CellEntry[];
}

export const EMPTY_DIRECTORY: Directory = { version: 0, cells: [] };

export interface Home {
  readonly cell: string;
  readonly partition: number;
}

/** The home of a channel; undefined while no cell is active. */
export function homeOf(directory: Directory, tenant: string, channel: string): Home | undefined {
  const key = channelKey(tenant, channel);
  const active = directory.cells.filter((cell) => cell.state === "active");
  const cell = rendezvous(key, active);
  return cell === undefined ? undefined : { cell: cell.id, partition: partitionOf(key) };
}

/** The directory with a cell that starts to take part; the same one if it does already. */
export function withCell(directory: Directory, id: string, region: string): Directory {
  if (directory.cells.some((cell) => cell.id === id)) return directory;
  const cell: CellEntry = { id, region, state: "active", weight: 1 };
  const cells = [...directory.cells, cell].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { version: directory.version + 1, cells };
}
