import { isPattern, matches } from "./names.js";

/** What a token may allow on a pattern of channels. */
export const ACTIONS = ["sub", "pub", "presence", "history", "signal"] as const;
export type Action = (typeof ACTIONS)[number];

/** The `caps` claim of a token: pattern → actions. */
export type CapabilityClaim = Record<string, Action[]>;

export const MAX_PATTERNS = 64;

/** What a pattern allows is a bit for each action. */
interface Rule {
  readonly pattern: string;
  readonly allowed: number;
}

const BIT = Object.fromEntries(ACTIONS.map((action, i) => [action, 1 << i])) as Record<Action, number>;

function bitsOf(actions: readonly Action[]): number {
  return actions.reduce((bits, action) => bits | BIT[action], 0);
}

/** The capabilities of one token. Nothing that is not listed is allowed. */
export class Capabilities {
  readonly #rules: readonly Rule[];

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** Reads a `caps` claim. Returns a sentence that says what is wrong with it if it is malformed. */
  static parse(claim: unknown): Capabilities | string {
    if (claim === undefined) return new Capabilities([]);
    if (claim === null || typeof claim !== "object" || Array.isArray(claim)) return "caps must be an object";
    const entries = Object.entries(claim);
    if (entries.length > MAX_PATTERNS) return `caps may hold ${MAX_PATTERNS} patterns at most`;
    for (const [pattern, actions] of entries) {
      if (!isPattern(pattern)) return `caps: "${pattern.slice(0, 64)}" is not a channel pattern`;
      if (!Array.isArray(actions) || !actions.every((a) => ACTIONS.includes(a)))
        return `caps: "${pattern}" must list some of ${ACTIONS.join(", ")}`;
    }
    return new Capabilities(entries.map(([pattern, actions]) => ({ pattern, allowed: bitsOf(actions) })));
  }

  allows(action: Action, channel: string): boolean {
    const bit = BIT[action];
    for (const { pattern, allowed } of this.#rules)
      if ((allowed & bit) !== 0 && matches(pattern, channel)) return true;
    return false;
  }
}
