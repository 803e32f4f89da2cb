import type { Quantiles, Stats } from "../../admin/stats/schemas.js";
import { type Command, type CommandContext, show } from "../command.js";
import { EXIT } from "../errors.js";
import { facts, table } from "../text.js";

type Cell = Stats["cells"][string] & { id: string };
type Gateway = Stats["gateways"][string] & { id: string };

/** So many lines of a watch stand between two lines of titles. */
const TITLES_EVERY = 20;
const UNKNOWN = "-";
const MIB = 1_048_576;

export const stats: Command = {
  name: "stats",
  args: [],
  options: ["watch"],
  summary: "what goes on at the moment, by cell and gateway",
  examples: ["plexus stats", "plexus stats --watch"],
  more: [
    "Rates are per second; times are those within which half, and 99 %, of what happened in the last second was done.",
    "--watch shows a line each second until Ctrl-C. What nothing was measured for is a dash, and null in JSON.",
  ],
  run: async (context) => {
    if (context.given.has("watch")) return watch(context);
    return show(context, await context.api.get<Stats>("/v1/stats"), lines);
  },
};

async function watch({ api, given, terminal }: CommandContext): Promise<number> {
  let shown = 0;
  for await (const { event, data } of api.events("/v1/stats", terminal.signal)) {
    if (event !== "stats") continue;
    if (given.has("json")) {
      terminal.out(data);
      continue;
    }
    const [titles, line] = watchLines(JSON.parse(data) as Stats);
    if (shown++ % TITLES_EVERY === 0) terminal.out(titles);
    terminal.out(line);
  }
  return terminal.signal.aborted ? EXIT.ok : EXIT.unavailable;
}

function watchLines({ ts, total }: Stats): [titles: string, line: string] {
  const columns: ReadonlyArray<readonly [string, number, string | number]> = [
    ["TIME", 8, new Date(ts).toISOString().slice(11, 19)],
    ["CONNECTIONS", 11, whole(total.connections)],
    ["PUBLISHES/S", 11, one(total.publishesPerS)],
    ["DELIVERIES/S", 12, one(total.deliveriesPerS)],
    ["ERRORS/S", 8, one(total.errorsPerS)],
    ["REFUSALS/S", 10, one(total.refusalsPerS)],
    ["PUBLISH MS", 15, both(total.publishMs)],
    ["DELIVER MS", 15, both(total.deliverMs)],
  ];
  const join = (pick: 0 | 2) => columns.map((column) => String(column[pick]).padStart(column[1])).join("  ");
  return [join(0), join(2)];
}

function lines({ total, cells, gateways }: Stats): string[] {
  const cellColumns = [
    { title: "CELL", value: ({ id }: Cell) => id },
    { title: "WORKERS", value: ({ workers }: Cell) => workers },
    { title: "CHANNELS", value: ({ channels }: Cell) => whole(channels) },
    { title: "RECORDS/S", value: ({ recordsPerS }: Cell) => one(recordsPerS) },
    { title: "MESSAGES/S", value: ({ publishesPerS }: Cell) => one(publishesPerS) },
    { title: "MAILBOX MS", value: ({ mailboxMs }: Cell) => both(mailboxMs) },
    { title: "CPU", value: ({ cpu }: Cell) => percent(cpu) },
  ];
  const gatewayColumns = [
    { title: "GATEWAY", value: ({ id }: Gateway) => id },
    { title: "CONNECTIONS", value: ({ connections }: Gateway) => connections },
    { title: "PUBLISHES/S", value: ({ publishesPerS }: Gateway) => one(publishesPerS) },
    { title: "DELIVERIES/S", value: ({ deliveriesPerS }: Gateway) => one(deliveriesPerS) },
    { title: "LAG MS", value: ({ loopLagMs }: Gateway) => one(loopLagMs) },
    { title: "CPU", value: ({ cpu }: Gateway) => percent(cpu) },
    {
      title: "MEMORY MB",
      value: ({ rssBytes }: Gateway) => whole(rssBytes === null ? null : rssBytes / MIB),
    },
  ];
  return [
    ...facts([
      ["connections", whole(total.connections)],
      ["channels", whole(total.channels)],
      ["publishes/s", one(total.publishesPerS)],
      ["deliveries/s", one(total.deliveriesPerS)],
      ["errors/s", one(total.errorsPerS)],
      ["refusals/s", one(total.refusalsPerS)],
      ["bytes in, out/s", `${whole(total.bytesInPerS)}, ${whole(total.bytesOutPerS)}`],
      ["publish ms, p50 / p99", both(total.publishMs)],
      ["deliver ms, p50 / p99", both(total.deliverMs)],
    ]),
    "",
    ...table(cellColumns, rows(cells)),
    "",
    ...table(gatewayColumns, rows(gateways)),
  ];
}

function rows<T>(byId: Record<string, T>): Array<T & { id: string }> {
  return Object.entries(byId).map(([id, value]) => ({ ...value, id }));
}

function whole(value: number | null): number | string {
  return value === null ? UNKNOWN : Math.round(value);
}

function one(value: number | null): number | string {
  return value === null ? UNKNOWN : Number(value.toFixed(1));
}

/** Of one processor core. */
function percent(cores: number | null): string {
  return cores === null ? UNKNOWN : `${Math.round(cores * 100)} %`;
}

function both({ p50, p99 }: Quantiles): string {
  return p50 === null || p99 === null ? UNKNOWN : `${p50} / ${p99}`;
}
