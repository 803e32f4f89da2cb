/** What an expression of PromQL names: enough of its grammar to hold it against the metrics that exist. */

export interface Named {
  /** Metric → labels that its matchers ask for. */
  readonly metrics: Map<string, Set<string>>;
  /** Labels of `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`. */
  readonly grouped: Set<string>;
}

const FUNCTIONS = new Set(
  "sum max min count avg rate increase histogram_quantile vector absent max_over_time avg_over_time label_values".split(
    " ",
  ),
);
const WORDS = new Set("and or unless offset bool".split(" "));
const GROUPERS = new Set("by without on ignoring group_left group_right".split(" "));

const TOKEN =
  /\s+|"(?:[^"\\]|\\.)*"|\$[\w]+|\[[^\]]*\]|\d+[smhd]\b|[0-9]+(?:\.[0-9]+)?|[A-Za-z_:][\w:]*|=~|!~|!=|==|>=|<=|[(){},=<>+*/-]/y;

export function namesIn(expr: string): Named {
  const tokens = tokensOf(expr);
  const named: Named = { metrics: new Map(), grouped: new Set() };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (!/^[A-Za-z_:]/.test(token) || WORDS.has(token)) continue;
    if (GROUPERS.has(token)) {
      const end = tokens.indexOf(")", i);
      for (const label of tokens.slice(i + 2, end)) if (label !== ",") named.grouped.add(label);
      i = end;
    } else if (FUNCTIONS.has(token)) continue;
    else if (tokens[i + 1] === "(") throw new Error(`${token} is no function that is known here: ${expr}`);
    else {
      const labels = named.metrics.get(token) ?? new Set();
      named.metrics.set(token, labels);
      if (tokens[i + 1] !== "{") continue;
      const end = tokens.indexOf("}", i);
      const matchers = tokens.slice(i + 2, end);
      for (const [k, label] of matchers.entries()) if (k % 4 === 0) labels.add(label);
      i = end;
    }
  }
  return named;
}

function tokensOf(expr: string): string[] {
  const tokens: string[] = [];
  const open: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < expr.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(expr);
    if (match === null) throw new Error(`not understood at ${at}: ${expr}`);
    const [token] = match;
    if (token === "(" || token === "{") open.push(token === "(" ? ")" : "}");
    if ((token === ")" || token === "}") && open.pop() !== token) throw new Error(`brackets: ${expr}`);
    if (token.trim() !== "") tokens.push(token);
  }
  if (open.length > 0) throw new Error(`brackets: ${expr}`);
  return tokens;
}
