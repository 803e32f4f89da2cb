import { parseArgs } from "node:util";

/** What `npm start -- …` can be told. */
export interface LauncherFlags {
  host: string;
  port: number;
  adminPort: number;
  cells: string[];
  workers: number;
  gateways: number;
  data: string;
  /** Every cell with brokers of its own. */
  isolated: boolean;
  help: boolean;
}

/** A flag that cannot be taken as it is; the message says what would be right. */
export class FlagError extends Error {
  override name = "FlagError";
}

interface Flag<T> {
  /** Stands for the value in the help. */
  value: string;
  default: string;
  doc: string;
  /** Throws a {@link FlagError} whose message ends the sentence "--flag must be …". */
  read: (text: string) => T;
}

const MOST_PROCESSES = 16;

const FLAGS = {
  port: {
    value: "PORT",
    default: "8080",
    doc: "port for chat clients, shared by all gateways; 0 takes a free one",
    read: port,
  },
  "admin-port": {
    value: "PORT",
    default: "9080",
    doc: "port of the admin API; 0 takes a free one",
    read: port,
  },
  host: {
    value: "ADDRESS",
    default: "127.0.0.1",
    doc: "address for chat clients; 0.0.0.0 lets other machines in",
    read: address,
  },
  cells: {
    value: "NAMES",
    default: "eu-1,us-1",
    doc: "cells, with commas in between; a name is <region>-<number>",
    read: cellNames,
  },
  workers: { value: "N", default: "2", doc: "workers of each cell", read: count },
  gateways: { value: "N", default: "2", doc: "gateways on the client port", read: count },
  data: { value: "DIR", default: ".plexus", doc: "where everything that lasts is kept", read: folder },
} satisfies Record<string, Flag<unknown>>;

/** Flags without a value. */
const SWITCHES = ["isolated", "help"];

/** Reads the command line. Throws a {@link FlagError} for the first thing that is not right. */
export function parseFlags(argv: string[]): LauncherFlags {
  const given = readTokens(argv);
  const read = <T>(name: keyof typeof FLAGS, flag: Flag<T>): T => {
    try {
      return flag.read(given.get(name) ?? flag.default);
    } catch (error) {
      if (!(error instanceof FlagError)) throw error;
      throw new FlagError(`--${name} must be ${error.message}, not "${given.get(name)}"`);
    }
  };
  const flags = {
    host: read("host", FLAGS.host),
    port: read("port", FLAGS.port),
    adminPort: read("admin-port", FLAGS["admin-port"]),
    cells: read("cells", FLAGS.cells),
    workers: read("workers", FLAGS.workers),
    gateways: read("gateways", FLAGS.gateways),
    data: read("data", FLAGS.data),
    isolated: given.has("isolated"),
    help: given.has("help"),
  };
  if (flags.port !== 0 && flags.port === flags.adminPort) {
    throw new FlagError(`--port and --admin-port must differ, both are ${flags.port}`);
  }
  return flags;
}

export function helpText(): string {
  const lines = Object.entries<Flag<unknown>>(FLAGS).map(
    ([name, flag]) => `  ${`--${name} ${flag.value}`.padEnd(22)}${flag.doc} (${flag.default})`,
  );
  return `Runs the whole of Plexus on this machine, until Ctrl-C.

Usage: npm start -- [flags]

${lines.join("\n")}
  ${"--isolated".padEnd(22)}every cell with its own NATS and Redis, as leaf nodes of a hub
  ${"--help".padEnd(22)}this text

With NATS_URL or REDIS_URL in the environment, that broker is used instead of an own one.
`;
}

function readTokens(argv: string[]): Map<string, string> {
  const options = Object.fromEntries(Object.keys(FLAGS).map((name) => [name, { type: "string" as const }]));
  const { tokens } = parseArgs({
    args: argv,
    options: { ...options, isolated: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === "positional") throw new FlagError(`"${token.value}" is not a flag`);
    if (token.kind === "option-terminator") continue;
    const isSwitch = SWITCHES.includes(token.name);
    const known = isSwitch || Object.hasOwn(FLAGS, token.name);
    if (!known) throw new FlagError(`${token.rawName} is unknown`);
    if (given.has(token.name)) throw new FlagError(`${token.rawName} is given twice`);
    if (isSwitch) given.set(token.name, "");
    else if (token.value === undefined) throw new FlagError(`${token.rawName} needs a value`);
    else given.set(token.name, token.value);
  }
  return given;
}

function integer(text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw new FlagError(`a whole number between ${least} and ${most}`);
  return value;
}

function port(text: string): number {
  return integer(text, 0, 65_535);
}

function count(text: string): number {
  return integer(text, 1, MOST_PROCESSES);
}

function address(text: string): string {
  if (!/^[A-Za-z0-9.:-]{1,255}$/.test(text)) throw new FlagError("an IP address or a host name");
  return text;
}

function cellNames(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const wrong = names.find((name) => name.length > 32 || !/^[a-z0-9]+(-[a-z0-9]+)+$/.test(name));
  if (wrong !== undefined) throw new FlagError("names like eu-1 (a-z, 0-9, at least one -), with commas");
  if (new Set(names).size < names.length) throw new FlagError("different names");
  return names;
}

function folder(text: string): string {
  if (text.trim() === "") throw new FlagError("the path of a folder");
  return text;
}
