/** Figures with the way in which they came about. */
import { COSTS, type CostName } from "./costs.js";

export interface Quantity {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The arithmetic, with its numbers. */
  readonly how: string;
  /** Measured or assumed figures that went into it. */
  readonly from: readonly CostName[];
}

/** A list of quantities, each of which may be used by those after it. */
export class Ledger {
  readonly quantities: Quantity[] = [];

  put(
    id: string,
    what: string,
    value: number,
    unit: string,
    how: string,
    from: readonly CostName[] = [],
  ): number {
    this.quantities.push({ id, what, value, unit, how, from });
    return value;
  }

  of(id: string): number {
    const found = this.quantities.find((quantity) => quantity.id === id);
    if (found === undefined) throw new Error(`no quantity ${id}`);
    return found.value;
  }
}

export function cost(name: CostName): number {
  return COSTS[name].value;
}

/** A number for a person: three digits that count, thousands apart. */
export function shown(value: number): string {
  if (value === 0) return "0";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}
