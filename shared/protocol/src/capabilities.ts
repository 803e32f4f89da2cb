import { isPattern, matches } from "./names.js";

/** What a token may allow on a pattern of channels. */
export const ACTIONS = ["sub", "pub", "presence", "history", "signal"] as const;
export type Action = (typeof ACTIONS)[number];

/** The `caps` claim of a token: pattern → actions. */
export type CapabilityClaim = Record<string, Action[]>;

export const MAX_PATTERNS = 64;
/** Answers remembered per token; beyond it the memory starts anew. */
const MAX_REMEMBERED = 512;

/**
 * The capabilities of one token. Nothing that is not listed is allowed.
 *
 * Answers are remembered per channel, since a connection asks about few channels very often.
 */
export class Capabilities {
  readonly #rules: ReadonlyArray<{ pattern: string; actions: ReadonlySet<Action> }>;
  readonly #remembered = new Map<string, ReadonlySet<Action>>();

  private constructor(rules: ReadonlyArray<{ pattern: string; actions: ReadonlySet<Action> }>) {
    this.#rules = rules;
  }

  /** Reads a `caps` claim. Returns a sentence that says what is wrong with it if it is malformed. */
  static parse(claim: unknown): Capabilities | string {
    if (claim === undefined) return new Capabilities([]);
    if (claim === null || typeof claim !== "object" || Array.isArray(claim)) return "caps must be an object";
    const entries = Object.entries(claim);
    if (entries.length > MAX_PATTERNS) return `caps may hold ${MAX_PATTERNS} patterns at most`;
    const rules = [];
    for (const [pattern, actions] of entries) {
      if (!isPattern(pattern)) return `caps: "${pattern.slice(0, 64)}" is not a channel pattern`;
      if (!Array.isArray(actions) || !actions.every((a) => ACTIONS.includes(a)))
        return `caps: "${pattern}" must list some of ${ACTIONS.join(", ")}`;
      rules.push({ pattern, actions: new Set(actions as Action[]) });
    }
    return new Capabilities(rules);
  }

  allows(action: Action, channel: string): boolean {
    let actions = this.#remembered.get(channel);
    if (actions === undefined) {
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      actions = this.#actionsOn(channel);
      this.#remembered.set(channel, actions);
    }
    return actions.has(action);
  }

  #actionsOn(channel: string): ReadonlySet<Action> {
    const actions = new Set<Action>();
    for (const rule of this.#rules)
      if (matches(rule.pattern, channel)) for (const action of rule.actions) actions.add(action);
    return actions;
  }
}
