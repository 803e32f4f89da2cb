/** The two sides next to each other, for a person. */
import type { CompareReport, SideReport } from "./compare.js";

const ROWS: ReadonlyArray<[title: string, value: (report: SideReport) => string | number]> = [
  ["delivered", ({ deliveredPercent }) => `${deliveredPercent} %`],
  ["clients that got everything", ({ complete, clients }) => `${complete}/${clients}`],
  ["missing", ({ published, clients, delivered }) => published * clients - delivered],
  ["duplicated", ({ duplicated }) => duplicated],
  ["out of order", ({ outOfOrder }) => outOfOrder],
  ["told of a gap", ({ toldOfGap }) => toldOfGap],
  ["reconnects", ({ reconnects }) => reconnects],
  ["connected meanwhile", ({ connectedPercent }) => `${connectedPercent} %`],
  ["settled after the last drop", ({ settledMs }) => `${(settledMs / 1_000).toFixed(1)} s`],
  ["CPU of the servers", ({ serverCpuSeconds }) => `${serverCpuSeconds} s`],
  ["CPU of the clients", ({ cpuSeconds }) => `${cpuSeconds.clients ?? 0} s`],
];

export function tableOf({ sides, clients, rate, seconds, drops, dropMs, seed }: CompareReport): string {
  const lines = [["", ...sides.map(({ side }) => side)]];
  for (const [title, value] of ROWS) lines.push([title, ...sides.map((side) => String(value(side)))]);
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const shown = lines.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
  );
  const what = sides.map(({ side, what }) => `${side}: ${what}`);
  const plan = `${clients} clients, ${rate} messages/s, ${seconds} s, ${drops} drops of ${dropMs} ms, seed ${seed}`;
  return [plan, ...what, "", ...shown].join("\n");
}
