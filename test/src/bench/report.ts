/** What a benchmark says: rows that were measured in one run, and the ratios that its targets are about. */

export interface Row {
  readonly side: string;
  readonly what: string;
  /** By name, with the unit in it. */
  readonly values: Readonly<Record<string, number>>;
  /** CPU microseconds per operation, by kind of process. */
  readonly cpuUs: Readonly<Record<string, number>>;
}

export interface Ratio {
  readonly name: string;
  readonly value: number;
  /** What it should be: at least (`>=`) or at most (`<=`). */
  readonly target: { readonly is: ">=" | "<="; readonly value: number } | null;
}

export interface BenchReport {
  readonly bench: string;
  readonly doc: string;
  /** What one operation is, for `cpuUs`. */
  readonly operation: string;
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  /** Share of the processors' time that the hypervisor gave to others meanwhile; null where the system doesn't say. */
  readonly stolen: number | null;
}

/** Less than that is within what runs differ by anyway. */
const WORTH_SAYING = 0.01;

export function reached({ value, target }: Ratio): boolean | null {
  if (target === null) return null;
  return target.is === ">=" ? value >= target.value : value <= target.value;
}

/** For a person. */
export function tableOf(report: BenchReport): string {
  const lines = [`${report.bench}: ${report.doc}`];
  for (const { side, what, values, cpuUs } of report.rows) {
    lines.push(`  ${side} (${what})`);
    for (const [name, value] of Object.entries(values)) lines.push(`    ${name.padEnd(26)}${amount(value)}`);
    const cpu = Object.entries(cpuUs).map(([kind, us]) => `${kind} ${amount(us)}`);
    if (cpu.length > 0) lines.push(`    ${`CPU µs per ${report.operation}`.padEnd(26)}${cpu.join(", ")}`);
  }
  for (const ratio of report.ratios) {
    const { name, value, target } = ratio;
    const verdict = reached(ratio);
    const goal =
      target === null ? "" : `  (target ${target.is} ${target.value}: ${verdict ? "reached" : "missed"})`;
    lines.push(`  ${name}: ${amount(value)}${goal}`);
  }
  const { stolen } = report;
  if (stolen !== null && stolen >= WORTH_SAYING)
    lines.push(`  the hypervisor took ${amount(stolen * 100)} % of the processors: times were longer for it`);
  return lines.join("\n");
}

/** Three digits that count, with commas. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** CPU seconds per second → microseconds per operation. */
export function perOperation(
  cpu: Readonly<Record<string, number>>,
  operationsPerSecond: number,
): Record<string, number> {
  const spent = Object.entries(cpu).filter(([, share]) => share >= 0.005);
  return Object.fromEntries(spent.map(([kind, share]) => [kind, (share * 1_000_000) / operationsPerSecond]));
}
