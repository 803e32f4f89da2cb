/**
 * The directory: which cells there are, and what follows from that for every channel. A few kilobytes that
 * everybody holds, pure here; the shared copy is kept by `directory-store.ts`.
 *
 * A change of placement is an operation: channels whose home differs between `previous` and now move one by
 * one, and `previous` goes once none is left behind. There is one operation at a time; only a turn-around, the loss
 * of a cell and what gives channels a home again that have none may come in between, and then every placement on the
 * way is remembered until the end.
 */
import { channelKey, PlexusError } from "@plexus/protocol";
import { partitionOf, rendezvous } from "./placement.js";

/**
 * `joining`: its workers run, it gets no channels yet; `active`; `draining`: its channels are moving away;
 * `drained`: it holds none and may be switched off; `down`: it was given up.
 */
export type CellState = "joining" | "active" | "draining" | "drained" | "down";

export interface CellEntry {
  readonly id: string;
  readonly region: string;
  readonly state: CellState;
  /** Share of the channels relative to the other cells; more than 0. */
  readonly weight: number;
}

/** Where a tenant's channels may live. */
export interface TenantPin {
  readonly region: string;
  /** Whether another region may serve while this one has no active cell. */
  readonly failover: boolean;
}

/** All that the home of a channel depends on. */
export interface Placement {
  readonly cells: readonly CellEntry[];
  /** Tenants that are bound to a region; the others live anywhere. */
  readonly tenants?: Readonly<Record<string, TenantPin>>;
}

export interface Directory extends Placement {
  /** Grows by one with every change. */
  readonly version: number;
  /** The placements since the operation under way began, newest first; a channel may still be at any of them. */
  readonly previous?: readonly Placement[];
  /** Id of the operation under way. */
  readonly operation?: string | null;
}

/** Turn-arounds and losses within one operation. */
const MAX_PREVIOUS = 8;

export const EMPTY_DIRECTORY: Directory = { version: 0, cells: [] };

export interface Home {
  readonly cell: string;
  readonly partition: number;
}

/** The home of a channel; undefined while no cell may serve it. */
export function homeOf(placement: Placement, tenant: string, channel: string): Home | undefined {
  const key = channelKey(tenant, channel);
  const cell = rendezvous(key, candidates(placement, tenant));
  return cell === undefined ? undefined : { cell: cell.id, partition: partitionOf(key) };
}

/**
 * The cells where the channel may still be, newest placement first; its home is not among them. A cell that is
 * down may hold any channel until it comes back and has let go of what is at home elsewhere.
 */
export function previousHomesOf(directory: Directory, tenant: string, channel: string): string[] {
  const home = homeOf(directory, tenant, channel)?.cell;
  const before = (directory.previous ?? []).map((placement) => homeOf(placement, tenant, channel)?.cell);
  for (const cell of directory.cells) if (cell.state === "down") before.push(cell.id);
  return [...new Set(before)].filter((cell) => cell !== undefined && cell !== home) as string[];
}

function candidates(placement: Placement, tenant: string): CellEntry[] {
  const active = placement.cells.filter((cell) => cell.state === "active");
  const pin = placement.tenants?.[tenant];
  if (pin === undefined) return active;
  const near = active.filter((cell) => cell.region === pin.region);
  return near.length === 0 && pin.failover ? active : near;
}

export function cellOf(directory: Directory, id: string): CellEntry {
  const cell = directory.cells.find((entry) => entry.id === id);
  if (cell === undefined) {
    const others = directory.cells.map((entry) => entry.id).join(", ");
    throw new PlexusError("not_found", `there is no cell ${id}; there is: ${others || "none yet"}`);
  }
  return cell;
}

/**
 * The directory with a cell whose workers have started. The very first one is active at once; a later one is
 * joining until {@link activate}. A known cell keeps its state.
 */
export function withCell(directory: Directory, id: string, region: string): Directory {
  if (directory.cells.some((cell) => cell.id === id)) return directory;
  const state = directory.cells.length === 0 ? "active" : "joining";
  const cell: CellEntry = { id, region, state, weight: 1 };
  const cells = [...directory.cells, cell].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { ...directory, version: directory.version + 1, cells };
}

/** Takes a cell out of the placement; its channels move. */
export function drain(directory: Directory, id: string, operation: string): Directory {
  const cell = cellOf(directory, id);
  if (cell.state !== "active") throw conflict(`cell ${id} is ${cell.state}, not active`);
  assertNoOperation(directory);
  assertNotTheLast(directory, id, "drain");
  const cells = withState(directory, id, "draining");
  for (const [tenant, pin] of Object.entries(directory.tenants ?? {}))
    if (pin.region === cell.region) assertServed(cells, tenant, pin);
  return begin(directory, operation, { cells });
}

/** Puts a cell (back) into the placement; while it is draining, this turns the drain around. */
export function activate(directory: Directory, id: string, operation: string): Directory {
  const cell = cellOf(directory, id);
  if (cell.state === "active") throw conflict(`cell ${id} is active already`);
  if (cell.state === "down") throw conflict(`cell ${id} is down; start its workers first`);
  if (cell.state !== "draining") assertMayBegin(directory);
  return begin(directory, operation, { cells: withState(directory, id, "active") });
}

export function reweigh(directory: Directory, id: string, weight: number, operation: string): Directory {
  cellOf(directory, id);
  if (!(weight > 0 && weight <= 1_000))
    throw new PlexusError("bad_request", "weight must be above 0, at most 1000");
  assertNoOperation(directory);
  const cells = directory.cells.map((cell) => (cell.id === id ? { ...cell, weight } : cell));
  return begin(directory, operation, { cells });
}

/** Binds a tenant to a region, or with null to none. */
export function pinTenant(
  directory: Directory,
  tenant: string,
  pin: TenantPin | null,
  operation: string,
): Directory {
  assertMayBegin(directory);
  const { [tenant]: _, ...others } = directory.tenants ?? {};
  if (pin !== null && !directory.cells.some((cell) => cell.region === pin.region))
    throw new PlexusError("bad_request", `no cell is in region ${pin.region}`);
  if (pin !== null) assertServed(directory.cells, tenant, pin);
  return begin(directory, operation, { tenants: pin === null ? others : { ...others, [tenant]: pin } });
}

/** Gives a cell up that does not answer. Unlike the other changes this one does not wait for an operation. */
export function declareDown(directory: Directory, id: string, operation: string): Directory {
  const cell = cellOf(directory, id);
  if (cell.state === "down") throw conflict(`cell ${id} is down already`);
  if (cell.state === "active") assertNotTheLast(directory, id, "give up");
  return begin(directory, operation, { cells: withState(directory, id, "down") });
}

/** A cell that was given up runs again, and holds no channel that is at home elsewhere. */
export function comeBack(directory: Directory, id: string): Directory {
  if (cellOf(directory, id).state !== "down") return directory;
  return { ...directory, version: directory.version + 1, cells: withState(directory, id, "drained") };
}

/** Ends the operation: nothing is left at a previous home. */
export function finish(directory: Directory, operation: string): Directory {
  if (directory.operation !== operation) return directory;
  const cells = directory.cells.map((cell) =>
    cell.state === "draining" ? { ...cell, state: "drained" as const } : cell,
  );
  return { ...directory, version: directory.version + 1, cells, previous: [], operation: null };
}

/** The cells that may hold channels which are at home elsewhere now, and have to say when they are done. */
export function cellsToSweep(directory: Directory): string[] {
  const states = new Map(directory.cells.map((cell) => [cell.id, cell.state]));
  const before = (directory.previous ?? []).flatMap((placement) => placement.cells);
  const holders = before.filter((cell) => cell.state === "active" || cell.state === "draining");
  // One that came back in the meantime has let go of everything before it became drained.
  return [...new Set(holders.map((cell) => cell.id))].filter(
    (id) => states.get(id) !== "down" && states.get(id) !== "drained",
  );
}

function begin(directory: Directory, operation: string, change: Partial<Placement>): Directory {
  const { cells, tenants } = directory;
  const last: Placement = tenants === undefined ? { cells } : { cells, tenants };
  const before = directory.operation ? (directory.previous ?? []) : [];
  if (before.length >= MAX_PREVIOUS)
    throw conflict("too many changes in one operation; wait for the end of the one under way");
  return {
    ...directory,
    ...change,
    version: directory.version + 1,
    previous: [last, ...before],
    operation,
  };
}

function withState(directory: Directory, id: string, state: CellState): CellEntry[] {
  return directory.cells.map((cell) => (cell.id === id ? { ...cell, state } : cell));
}

function assertNoOperation(directory: Directory): void {
  if (directory.operation) throw conflict(`operation ${directory.operation} is under way; wait for its end`);
}

/** What no cell may serve keeps an operation under way: what may give it a home again must not wait for the end. */
function assertMayBegin(directory: Directory): void {
  if (!leavesHomeless(directory)) assertNoOperation(directory);
}

/** Whether there are tenants whose channels no cell may serve. */
export function leavesHomeless({ cells, tenants = {} }: Directory): boolean {
  return Object.values(tenants).some((pin) => !isServed(cells, pin));
}

function isServed(cells: readonly CellEntry[], { region, failover }: TenantPin): boolean {
  return failover || cells.some((cell) => cell.region === region && cell.state === "active");
}

function assertNotTheLast(directory: Directory, id: string, verb: string): void {
  const others = directory.cells.some((cell) => cell.id !== id && cell.state === "active");
  if (!others)
    throw conflict(`cell ${id} is the last active one; activate or add another before you ${verb} it`);
}

/** What no cell may serve has nowhere to move to. */
function assertServed(cells: readonly CellEntry[], tenant: string, pin: TenantPin): void {
  if (isServed(cells, pin)) return;
  throw conflict(
    `tenant ${tenant} is pinned to region ${pin.region}, which would have no active cell: activate or add one, or allow failover`,
  );
}

function conflict(message: string): PlexusError {
  return new PlexusError("conflict", message);
}
