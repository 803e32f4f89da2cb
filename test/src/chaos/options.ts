/** The command line of `npm run chaos`. */
import { parseArgs } from "node:util";
import { DEFAULTS, type DrillOptions } from "../drill/options.js";
import { BUGS, type BugName } from "./bugs/names.js";
import { FAULTS } from "./faults/index.js";

export interface ChaosOptions {
  seed: number;
  seconds: number;
  faults: string[];
  /** A bug put in on purpose. */
  bug: BugName | undefined;
  cluster: DrillOptions;
}

/** Small enough that what is measured is the fault, not the machine. */
const CLUSTER: DrillOptions = {
  ...DEFAULTS,
  channels: 150,
  quietChannels: 300,
  subscribers: 2,
  rate: 250,
  history: 300,
  graceMs: 10_000,
};

const FLAGS = {
  seed: { type: "string", doc: "decides which fault comes when, for how long, and what it befalls (1)" },
  seconds: { type: "string", doc: "for how long faults come (60)" },
  faults: { type: "string", doc: "their names, with commas in between (all)" },
  rate: { type: "string", doc: "messages per second, over all channels together (250)" },
  isolated: { type: "boolean", doc: "brokers of its own for each cell (every odd seed)" },
  shared: { type: "boolean", doc: "one NATS and one Redis for all (every even seed)" },
  bug: { type: "string", doc: `put in on purpose, to see that it is found: ${Object.keys(BUGS).join(", ")}` },
  data: { type: "string", doc: "folder for data and logs, which are kept then" },
  json: { type: "boolean", doc: "nothing but JSON, in one line" },
  help: { type: "boolean", doc: "this text" },
} as const;

/** Throws an error with a message for a person. */
export function readChaosLine(args: string[]): ChaosOptions & { json: boolean; help: boolean } {
  const { values } = parseArgs({ args, options: FLAGS });
  const seed = whole("seed", values.seed ?? "1");
  const faults = values.faults?.split(",") ?? Object.keys(FAULTS);
  const unknown = faults.filter((name) => !(name in FAULTS));
  if (unknown.length > 0)
    throw new Error(`there is no fault ${unknown.join(", ")}; see npm run chaos -- --help`);
  const { bug } = values;
  if (bug !== undefined && !(bug in BUGS)) throw new Error(`there is no bug ${bug}`);
  const isolated = values.isolated ?? (values.shared === true ? false : seed % 2 === 1);
  const rate = whole("rate", values.rate ?? String(CLUSTER.rate));
  return {
    seed,
    seconds: whole("seconds", values.seconds ?? "60"),
    faults,
    bug: bug as BugName | undefined,
    cluster: { ...CLUSTER, isolated, rate, data: values.data },
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function whole(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${flag} wants a whole number, not ${text}`);
  return Number(text);
}

export function chaosUsage(): string {
  const rows = (entries: Array<[string, string]>) =>
    entries.map(([name, doc]) => `  ${name.padEnd(22)}${doc}`).join("\n");
  const flags = rows(Object.entries(FLAGS).map(([name, { doc }]) => [`--${name}`, doc]));
  const faults = rows(Object.entries(FAULTS).map(([name, { doc }]) => [name, doc]));
  return `npm run chaos -- [options]\n\n${flags}\n\nFaults:\n\n${faults}\n`;
}
