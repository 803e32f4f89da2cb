/** The command line of the comparison. */
import { parseArgs } from "node:util";
import type { SideName } from "./crowd-types.js";

export interface CompareOptions {
  clients: number;
  /** Messages per second, from one publisher to all clients. */
  rate: number;
  /** How long there are messages and drops. */
  seconds: number;
  seed: number;
  sides: SideName[];
}

export const DEFAULTS: CompareOptions = {
  clients: 200,
  rate: 100,
  seconds: 60,
  seed: 1,
  sides: ["plexus", "socket.io"],
};

const NUMBERS = {
  clients: "clients that listen",
  rate: "messages per second, from one publisher to all of them",
  seconds: "seconds with messages and drops",
  seed: "of the schedule of drops",
} as const;

const FLAGS = {
  ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: "string" as const }])),
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

export interface CompareLine {
  options: CompareOptions;
  json: boolean;
  help: boolean;
}

/** Throws an error with a message for a person. */
export function readCompareLine(args: string[]): CompareLine {
  const values: Record<string, unknown> = parseArgs({ args, options: FLAGS }).values;
  const options = { ...DEFAULTS };
  for (const name of Object.keys(NUMBERS) as Array<keyof typeof NUMBERS>) {
    const text = values[name];
    if (text === undefined) continue;
    if (!/^[1-9]\d{0,8}$/.test(String(text))) throw new Error(`--${name} wants a whole number, not ${text}`);
    options[name] = Number(text);
  }
  return { options, json: values.json === true, help: values.help === true };
}

export function usage(): string {
  const rows = Object.entries(NUMBERS).map(
    ([name, doc]) => `  --${name.padEnd(12)}${doc} (${DEFAULTS[name as keyof typeof NUMBERS]})`,
  );
  return `npm run compare -- [options]

Plexus and Socket.IO side by side: how much of what is published arrives at clients whose networks are away for 2 s
again and again.

${rows.join("\n")}
  --json        nothing but JSON, in one line
  --help        this text
`;
}
