import { printable } from "../text.js";

/** A result that lacks somebody's part says so. */
export function missingLines(missing: readonly string[]): string[] {
  if (missing.length === 0) return [];
  return ["", `no answer from ${printable(missing.join(", "))}: what is connected there is not shown`];
}
