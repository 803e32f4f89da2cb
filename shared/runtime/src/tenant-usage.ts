/**
 * What the other processes say of the tenants' usage, and which part of a quota that leaves for this one. Pure: time is
 * an argument.
 *
 * Nobody decides for all: each process says once a second what it uses, and each computes its part from what it heard.
 * So a quota may be overrun for about a second while demand moves from one process to another, and two processes to
 * which connections come in the same second may take a few more than there may be.
 */

/** One tenant's usage of one process, since it said so the last time. */
export type TenantUsed = readonly [
  tenant: string,
  connections: number,
  /** Publishes and signals that were asked for, taken or refused. */
  demand: number,
  /** Messages and signals handed to subscribers. */
  delivered: number,
];

/** What one cell's log holds of a tenant. */
export type TenantStored = readonly [tenant: string, bytes: number];

/** What one process says, on the subject `usage`. */
export interface UsageMessage {
  readonly by: string;
  readonly used: readonly TenantUsed[];
  /** Said by one worker of each cell. */
  readonly cell?: string;
  readonly stored?: readonly TenantStored[];
}

/** What all others use together of one tenant. */
export interface OthersUse {
  connections: number;
  demand: number;
  /** How many of them use anything. */
  processes: number;
}

interface Said {
  connections: number;
  demand: number;
  heardAt: number;
}

interface OneTenant {
  readonly by: Map<string, Said>;
  readonly others: OthersUse;
}

/** A process that was silent for so long is gone, and so are its connections. */
export const USAGE_TTL_MS = 5_000;
/** What logs hold is measured at a slow pace, and by another worker where the one that did is gone. */
export const STORED_TTL_MS = 300_000;
/** Together, tenants times processes; what is said beyond is not heard. */
const MAX_ENTRIES = 500_000;

const NOTHING: Readonly<OthersUse> = { connections: 0, demand: 0, processes: 0 };

export class TenantUsage {
  readonly #tenants = new Map<string, OneTenant>();
  readonly #stored = new Map<string, Map<string, { bytes: number; heardAt: number }>>();
  readonly #maxEntries: number;
  #entries = 0;

  constructor(maxEntries = MAX_ENTRIES) {
    this.#maxEntries = maxEntries;
  }

  /** What is kept, tenants times processes and cells. */
  get size(): number {
    return this.#entries;
  }

  /** What everybody else uses of a tenant. */
  others(tenant: string): Readonly<OthersUse> {
    return this.#tenants.get(tenant)?.others ?? NOTHING;
  }

  /** Bytes in the logs of all cells, as far as they were measured. */
  stored(tenant: string): number {
    let bytes = 0;
    for (const cell of this.#stored.get(tenant)?.values() ?? []) bytes += cell.bytes;
    return bytes;
  }

  heard({ by, used, cell, stored }: UsageMessage, now: number): void {
    for (const [tenant, connections, demand] of used)
      this.#put(by, tenant, { connections, demand, heardAt: now });
    if (cell !== undefined)
      for (const [tenant, bytes] of stored ?? []) this.#putStored(tenant, cell, { bytes, heardAt: now });
  }

  /** Forgets what was not said again. */
  expire(now: number): void {
    for (const [tenant, { by }] of this.#tenants)
      for (const [process, { heardAt }] of by)
        if (now - heardAt > USAGE_TTL_MS) this.#remove(tenant, process);
    for (const [tenant, cells] of this.#stored) {
      for (const [cell, { heardAt }] of cells)
        if (now - heardAt > STORED_TTL_MS && cells.delete(cell)) this.#entries--;
      if (cells.size === 0) this.#stored.delete(tenant);
    }
  }

  #put(by: string, tenant: string, said: Said): void {
    this.#remove(tenant, by);
    if ((said.connections === 0 && said.demand === 0) || this.#entries >= this.#maxEntries) return;
    let one = this.#tenants.get(tenant);
    if (one === undefined) {
      one = { by: new Map(), others: { ...NOTHING } };
      this.#tenants.set(tenant, one);
    }
    one.by.set(by, said);
    add(one.others, said, 1);
    this.#entries++;
  }

  #remove(tenant: string, by: string): void {
    const one = this.#tenants.get(tenant);
    const said = one?.by.get(by);
    if (one === undefined || said === undefined) return;
    one.by.delete(by);
    add(one.others, said, -1);
    this.#entries--;
    if (one.by.size === 0) this.#tenants.delete(tenant);
  }

  #putStored(tenant: string, cell: string, said: { bytes: number; heardAt: number }): void {
    let cells = this.#stored.get(tenant);
    if (cells?.has(cell) !== true) {
      if (this.#entries >= this.#maxEntries) return;
      this.#entries++;
    }
    if (cells === undefined) {
      cells = new Map();
      this.#stored.set(tenant, cells);
    }
    cells.set(cell, said);
  }
}

function add(others: OthersUse, { connections, demand }: Said, sign: 1 | -1): void {
  others.connections += sign * connections;
  others.demand += sign * demand;
  others.processes += sign;
}

/** All processes together may use this part of a quota without having been heard of yet. */
const LEAST_SHARE = 0.1;

/**
 * This process's part of a quota per second: all that the others leave; where they and this one want more than there
 * is, in proportion to what each wants; and always a little, for the first ones to come.
 */
export function shareOf(quota: number, demand: number, others: Readonly<OthersUse>): number {
  const wanted = demand + others.demand;
  const proportional = wanted > quota ? (quota * demand) / wanted : 0;
  return Math.max((quota * LEAST_SHARE) / (others.processes + 1), quota - others.demand, proportional);
}
