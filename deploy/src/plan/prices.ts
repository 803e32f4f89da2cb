/** What it costs in a month, from unit costs that are given. Pure. */
import { z } from "zod";
import type { Total } from "./plan-totals.js";

const price = z.number().min(0).default(0);

export const pricesSchema = z.strictObject({
  currency: z.string().min(1).max(10).default("EUR"),
  /** A virtual core for a month. */
  corePerMonth: price,
  gibMemoryPerMonth: price,
  gbStoragePerMonth: price,
  gbEgress: price,
});
export type Prices = z.infer<typeof pricesSchema>;

export interface BillLine {
  readonly what: string;
  readonly amount: number;
  readonly how: string;
}

export interface Bill {
  readonly currency: string;
  readonly lines: readonly BillLine[];
  /** A month. */
  readonly total: number;
}

export function readPrices(value: unknown): { prices: Prices } | { problems: string[] } {
  const result = pricesSchema.safeParse(value);
  if (result.success) return { prices: result.data };
  return {
    problems: result.error.issues.map(({ path, message }) => `${path.join(".") || "prices"}: ${message}`),
  };
}

/** Every process and every Redis runs on one core; NATS servers on as many as they are asked for. */
export function billFor(totals: Readonly<Record<Total, number>>, prices: Prices): Bill {
  const { gateways, workers, redisServers, natsCoresAsked, controlProcesses, hubCoresAsked } = totals;
  const cores = gateways + workers + redisServers + controlProcesses + natsCoresAsked + hubCoresAsked;
  const memory =
    totals.gatewayMemory +
    totals.workerMemory +
    totals.natsMemory +
    totals.redisMemory +
    totals.hubMemory +
    totals.controlMemory;
  const line = (what: string, count: number, unit: string, each: number): BillLine => ({
    what,
    amount: count * each,
    how: `${count.toFixed(1)} ${unit} × ${each}`,
  });
  const lines = [
    line("cores", cores, "cores (one for each process and each Redis)", prices.corePerMonth),
    line("memory", memory, "GiB", prices.gibMemoryPerMonth),
    line("storage", totals.storage, "GB", prices.gbStoragePerMonth),
    line("traffic to clients", totals.egressMonth, "GB", prices.gbEgress),
  ];
  return { currency: prices.currency, lines, total: lines.reduce((sum, { amount }) => sum + amount, 0) };
}
