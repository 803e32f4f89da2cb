/** Whether what a command printed has the shape of what a page shows. Pure. */

/** What a page's own ids and counts were when its commands were run. */
export type Learned = Map<string, string>;

/** What is one figure though it has blanks: `8 s`, `2 m 30 s`, `5 %`, `1.9 / 4.53`. Where nothing was measured it is a dash. */
const FIGURES = /\b\d[\d.]*(?: (?:ms|s|m|h|d)(?: \d+ (?:ms|s|m|h))*| %| \/ \d[\d.]*)(?= |$)/g;
/** Their words are part of the contract, other strings are examples. */
const EXACT_KEYS = ["code", "kind", "op"];
const SHORTEST_ID = 8;

/**
 * The first shown line that did not come, or undefined. Lines come in the order shown, with others in between; words with
 * a digit or an ellipsis stand for any word; of JSON, all the fields that are shown have to be there.
 */
export function firstMissing(
  shown: readonly string[],
  printed: readonly string[],
  learned: Learned,
): string | undefined {
  if (shown.length === 0) return undefined;
  const whole = json(shown.join(""));
  if (whole !== undefined) {
    const found = printed.some((line) => matchesJson(whole, json(line), learned));
    return found || matchesJson(whole, json(printed.join("")), learned) ? undefined : shown[0];
  }
  let from = 0;
  for (const line of shown) {
    if (line.trim() === "…") continue;
    const at = printed.findIndex((other, i) => i >= from && matchesLine(line, other, learned));
    if (at === -1) return line;
    from = at + 1;
  }
  return undefined;
}

/** The command with what came in place of what is shown. */
export function withLearned(command: string, learned: Learned): string {
  let own = command;
  for (const [shown, came] of learned) own = own.replaceAll(shown, came);
  return own;
}

function matchesLine(shown: string, came: string, learned: Learned): boolean {
  const [prefix, body] = splitJson(shown);
  if (body !== undefined) {
    const [otherPrefix, other] = splitJson(came);
    return (
      sameWords(prefix, otherPrefix, learned) && other !== undefined && matchesJson(body, other, learned)
    );
  }
  return sameWords(shown, came, learned);
}

function sameWords(shown: string, came: string, learned: Learned): boolean {
  const [left, right] = [words(shown), words(came)];
  if (left.length !== right.length) return false;
  if (!left.every((word, i) => sameWord(word, right[i]!))) return false;
  for (const [i, word] of left.entries()) {
    learn(word, right[i]!, learned);
    // A number alone says nothing; "revision 3" does.
    if (i > 0 && word !== right[i]) learned.set(`${left[i - 1]} ${word}`, `${right[i - 1]} ${right[i]}`);
  }
  return true;
}

function sameWord(shown: string, came: string): boolean {
  return /[\d…]/.test(shown) || shown === came;
}

function words(text: string): string[] {
  return text
    .replaceAll(FIGURES, "0")
    .split(/\s+/)
    .filter((word) => word !== "");
}

function learn(shown: string, came: string, learned: Learned): void {
  if (shown !== came && shown.length >= SHORTEST_ID && /\d/.test(shown)) learned.set(shown, came);
}

/** `data: {…}` as its words and its value. */
function splitJson(line: string): [string, unknown] {
  const at = line.search(/[{[]/);
  const value = at === -1 ? undefined : json(line.slice(at));
  return value === undefined ? [line, undefined] : [line.slice(0, at), value];
}

function json(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function matchesJson(shown: unknown, came: unknown, learned: Learned): boolean {
  if (shown === null) return came !== undefined;
  if (typeof shown !== typeof came || Array.isArray(shown) !== Array.isArray(came) || came === null)
    return false;
  if (typeof shown === "string") learn(shown, came as string, learned);
  if (typeof shown !== "object") return true;
  if (Array.isArray(shown)) {
    const others = came as unknown[];
    return shown.every((item, i) => matchesJson(item, others[Math.min(i, others.length - 1)], learned));
  }
  const other = came as Record<string, unknown>;
  return Object.entries(shown).every(([key, value]) => {
    if (EXACT_KEYS.includes(key) && typeof value === "string") return value === other[key];
    return /\d/.test(key) || matchesJson(value, other[key], learned); // a name, as of a gateway, is no field
  });
}
