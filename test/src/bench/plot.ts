/** A bar for each side of a benchmark, as an SVG that reads on light and on dark pages. */
import { amount, type BenchReport } from "./report.js";
import { escaped } from "./svg.js";

const WIDTH = 720;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 110;
const BAR_HEIGHT = 22;
const GAP = 12;
const TOP = 44;

/** Of the first value of each row; `name` says which. */
export function plotOf({ bench, doc, rows }: BenchReport): string {
  const [name = ""] = Object.keys(rows[0]?.values ?? {});
  const shown = rows.filter(({ values }) => values[name] !== undefined);
  const most = Math.max(...shown.map(({ values }) => values[name]!));
  const height = TOP + shown.length * (BAR_HEIGHT + GAP);
  const bars = shown.map(({ side, values }, i) => {
    const y = TOP + i * (BAR_HEIGHT + GAP);
    const width = Math.max(1, (values[name]! / most) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH));
    const middle = y + BAR_HEIGHT / 2 + 5;
    return [
      `<text class="t" x="${LABEL_WIDTH - 10}" y="${middle}" text-anchor="end">${escaped(side)}</text>`,
      `<rect class="${side.startsWith("plexus") ? "own" : "bar"}" x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="3"/>`,
      `<text class="t" x="${(LABEL_WIDTH + width + 8).toFixed(1)}" y="${middle}">${amount(values[name]!)}</text>`,
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(`${bench}: ${doc}`)}">
<style>
.t { font: 14px system-ui, sans-serif; fill: #24292f; }
.own { fill: #2f6fde; }
.bar { fill: #9aa4b2; }
@media (prefers-color-scheme: dark) { .t { fill: #e6edf3; } .own { fill: #6ea0ff; } .bar { fill: #6e7681; } }
</style>
<text class="t" x="0" y="20" font-weight="600">${escaped(name)}</text>
${bars.join("\n")}
</svg>
`;
}
