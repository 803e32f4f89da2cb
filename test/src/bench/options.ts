/** The benchmarks' command line. */
import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Which; all of them where there is none. */
  benches: string[];
  rounds: number;
  seconds: number;
  scale: number;
  /** Folder for a picture of each benchmark. */
  plots: string | undefined;
  /** Folder for a flame graph of each kind of Plexus' processes in each benchmark. */
  flames: string | undefined;
  json: boolean;
}

const FLAGS = {
  rounds: { type: "string", doc: "how often each side is measured, in turns (3)" },
  seconds: { type: "string", doc: "seconds of each measurement (5)" },
  plots: { type: "string", doc: "folder for a picture (SVG) of each benchmark" },
  flames: {
    type: "string",
    doc: "folder for flame graphs (SVG) of gateways and workers; the profiler costs them a little",
  },
  json: { type: "boolean", doc: "nothing but JSON, in one line" },
  help: { type: "boolean", doc: "this text" },
} as const;

const DEFAULTS = { rounds: 3, seconds: 5, scale: 1 };
/** Short, and nothing of it is judged: that everything runs is what it shows. */
const SMOKE = { rounds: 1, seconds: 0.25, scale: 0.02 };

/** Throws an error with a message for a person; undefined: the help was asked for. */
export function readOptions(args: string[], known: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parseArgs({ args, options: FLAGS, allowPositionals: true });
  if (values.help) return undefined;
  const isSmoke = positionals[0] === "smoke";
  const benches = isSmoke ? positionals.slice(1) : positionals;
  for (const name of benches)
    if (!known.includes(name)) throw new Error(`there is no benchmark ${name}; see npm run bench -- --help`);
  const base = isSmoke ? SMOKE : DEFAULTS;
  return {
    benches: benches.length > 0 ? benches : [...known],
    rounds: whole("rounds", values.rounds, base.rounds),
    seconds: whole("seconds", values.seconds, base.seconds),
    scale: base.scale,
    plots: values.plots,
    flames: values.flames,
    json: values.json ?? false,
  };
}

function whole(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`--${flag} wants a whole number, not ${text}`);
  return Number(text);
}

export function usage(benches: Readonly<Record<string, { doc: string }>>): string {
  const rows = (pairs: Array<[string, string]>) =>
    pairs.map(([name, doc]) => `  ${name.padEnd(16)}${doc}`).join("\n");
  const names = rows(Object.entries(benches).map(([name, { doc }]) => [name, doc]));
  const flags = rows(Object.entries(FLAGS).map(([name, { doc }]) => [`--${name}`, doc]));
  return `npm run bench -- [smoke] [benchmark …] [options]\n\n${names}\n${rows([["smoke", "small and short: shows that they run"]])}\n\n${flags}\n`;
}
