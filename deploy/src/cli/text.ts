/** What is printed for people: aligned tables, times, and nothing that a terminal would obey. */

/**
 * Controls, and what turns the direction of text: whoever chose a user's name or wrote a message must not
 * be able to steer the operator's terminal.
 */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export interface Column<T> {
  title: string;
  /** Numbers are aligned to the right. */
  value: (row: T) => string | number;
}

/** Lines of a table: titles, then a line for each row. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[]): string[] {
  const cells = rows.map((row) => columns.map(({ value }) => value(row)));
  const shown = cells.map((line) => line.map((cell) => printable(String(cell))));
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...shown.map((line) => line[i]!.length)),
  );
  const toTheRight = columns.map(
    (_, i) => cells.length > 0 && cells.every((line) => typeof line[i] === "number"),
  );
  const join = (line: readonly string[]) =>
    line
      .map((cell, i) => (toTheRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [join(columns.map(({ title }) => title)), ...shown.map(join)];
}

/** Lines of names and values. */
export function facts(pairs: readonly (readonly [name: string, value: string | number])[]): string[] {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${printable(String(value))}`.trimEnd());
}

/** A moment, to the second, in UTC. */
export function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** A span of time in its two largest units. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const units = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const;
  const parts: string[] = [];
  let rest = seconds;
  for (const [size, unit] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0 || (unit === "s" && parts.length === 0)) parts.push(`${n} ${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(" ");
}

const BAR_WIDTH = 24;

/** A progress bar of one line. A total of 0 is not known yet. */
export function bar(done: number, total: number): string {
  const share = total === 0 ? 0 : Math.min(1, done / total);
  const full = Math.floor(share * BAR_WIDTH);
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return `[${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}] ${percent}  ${done}/${total}`;
}
