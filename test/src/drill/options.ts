/** The drill's command line. */
import { parseArgs } from "node:util";

export interface DrillOptions {
  /** Channels with a publisher and subscribers. */
  channels: number;
  /** Channels written to once before, with nobody subscribed. */
  quietChannels: number;
  /** Subscribers of each active channel. */
  subscribers: number;
  /** Subscriptions of one connection, at most: gateways allow 500. */
  channelsPerConnection: number;
  /** Of the clients, so many in a hundred use the SDK; the others speak the protocol themselves. */
  sdkPercent: number;
  /** Messages per second, over all channels together. */
  rate: number;
  /** How long there is load at least: before, during and after the change. */
  seconds: number;
  /** Of those quiet channels whose past is read in the end. */
  history: number;
  cells: string[];
  workers: number;
  gateways: number;
  /** Processes that make the load. */
  generators: number;
  isolated: boolean;
  movesPerSecond: number;
  /** After so long without an answer a cell is given up. */
  graceMs: number;
  /** A 99th percentile of the pauses above it is a violation; 0: it is only reported. */
  maxPauseMs: number;
  /** So may a channel's pause be longer than the grace period after which a killed cell is given up; 0: it is only reported. */
  beyondGraceMs: number;
  /** Keeps the cluster's data and logs here; otherwise they are gone afterwards. */
  data: string | undefined;
}

export const DEFAULTS: DrillOptions = {
  channels: 2_000,
  quietChannels: 20_000,
  subscribers: 1,
  channelsPerConnection: 250,
  sdkPercent: 0,
  rate: 1_000,
  seconds: 20,
  history: 2_000,
  cells: ["eu-1", "us-1"],
  workers: 2,
  gateways: 2,
  generators: 1,
  isolated: false,
  movesPerSecond: 2_000,
  graceMs: 3_000,
  maxPauseMs: 0,
  beyondGraceMs: 5_000,
  data: undefined,
};

/** Many clients that each want little. */
export const STORM: DrillOptions = {
  ...DEFAULTS,
  channels: 100,
  quietChannels: 0,
  subscribers: 100,
  channelsPerConnection: 1,
  rate: 100,
};

/** Many connections to be moved, half of them the SDK's. */
export const ROLLOUT: DrillOptions = {
  ...DEFAULTS,
  channels: 500,
  quietChannels: 2_000,
  subscribers: 2,
  channelsPerConnection: 10,
  sdkPercent: 50,
  rate: 250,
};

/** One cell, and so many seconds for each of six phases; the noisy tenant sends more than the processes can take. */
export const NEIGHBOUR: DrillOptions = { ...DEFAULTS, cells: ["eu-1"], seconds: 15, rate: 30_000 };

/** Small enough for a test: everything happens once, and nothing is measured. */
export const SMOKE: DrillOptions = {
  ...DEFAULTS,
  channels: 100,
  quietChannels: 500,
  subscribers: 2,
  channelsPerConnection: 25,
  sdkPercent: 50,
  rate: 200,
  seconds: 1,
  history: 500,
  // Slow enough that something can happen in the middle.
  movesPerSecond: 800,
  graceMs: 3_000,
  // It is a test that all comes back; how soon that is depends on what else the machine does.
  beyondGraceMs: 0,
};

const OWN_DEFAULTS: Readonly<Record<string, DrillOptions>> = {
  smoke: SMOKE,
  storm: STORM,
  rollout: ROLLOUT,
  "noisy-neighbour": NEIGHBOUR,
};

const FLAGS = {
  channels: { type: "string", doc: "active channels" },
  "quiet-channels": { type: "string", doc: "channels written to once, before the change" },
  subscribers: { type: "string", doc: "subscribers of each active channel" },
  "channels-per-connection": { type: "string", doc: "subscriptions of one connection" },
  "sdk-percent": { type: "string", doc: "of the clients, so many in a hundred use the SDK" },
  rate: {
    type: "string",
    doc: "messages per second, over all channels together; noisy-neighbour: of the noisy tenant",
  },
  seconds: { type: "string", doc: "seconds of load at least; noisy-neighbour: of each phase" },
  history: { type: "string", doc: "quiet channels whose history is read in the end" },
  workers: { type: "string", doc: "workers of each cell" },
  gateways: { type: "string", doc: "gateways" },
  generators: { type: "string", doc: "processes that make the load" },
  "moves-per-second": { type: "string", doc: "quiet channels that a cell gives away per second" },
  "grace-ms": { type: "string", doc: "silence after which a cell is given up" },
  "max-pause-ms": { type: "string", doc: "fail if the 99th percentile of the publish pauses is above this" },
  isolated: { type: "boolean", doc: "brokers of its own for each cell" },
  data: { type: "string", doc: "folder for data and logs, which are kept then" },
  json: { type: "boolean", doc: "nothing but JSON, in one line" },
  help: { type: "boolean", doc: "this text" },
} as const;

export interface CommandLine {
  drill: string | undefined;
  options: DrillOptions;
  json: boolean;
  help: boolean;
}

/** Throws an error with a message for a person. */
export function readCommandLine(args: string[]): CommandLine {
  const { values, positionals } = parseArgs({ args, options: FLAGS, allowPositionals: true });
  if (positionals.length > 1) throw new Error(`one drill at a time: ${positionals.join(", ")}`);
  const [drill] = positionals;
  const options = { ...(OWN_DEFAULTS[drill ?? ""] ?? DEFAULTS) };
  const numbers = {
    channels: "channels",
    "quiet-channels": "quietChannels",
    subscribers: "subscribers",
    "channels-per-connection": "channelsPerConnection",
    "sdk-percent": "sdkPercent",
    rate: "rate",
    seconds: "seconds",
    history: "history",
    workers: "workers",
    gateways: "gateways",
    generators: "generators",
    "moves-per-second": "movesPerSecond",
    "grace-ms": "graceMs",
    "max-pause-ms": "maxPauseMs",
  } as const;
  for (const [flag, name] of Object.entries(numbers)) {
    const text = values[flag as keyof typeof numbers];
    if (text === undefined) continue;
    if (!/^\d+$/.test(text)) throw new Error(`--${flag} wants a whole number, not ${text}`);
    options[name] = Number(text);
  }
  options.isolated = values.isolated ?? false;
  options.data = values.data;
  return { drill, options, json: values.json ?? false, help: values.help ?? false };
}

const OTHERS: Array<[string, string]> = [
  ["noisy-neighbour", "a quiet tenant's times alone, beside a noisy one, and beside one with a quota"],
  ["rollout", "every process is stopped and started again, kind by kind, one at a time"],
  ["smoke", "all changes in a row, small"],
];

export function usage(drills: Readonly<Record<string, { doc: string }>>): string {
  const rows = (pairs: Array<[string, string]>) =>
    pairs.map(([name, doc]) => `  ${name.padEnd(22)}${doc}`).join("\n");
  const names = rows(Object.entries(drills).map(([name, { doc }]) => [name, doc]));
  const flags = rows(Object.entries(FLAGS).map(([name, { doc }]) => [`--${name}`, doc]));
  return `npm run drill -- <drill> [options]\n\n${names}\n${rows(OTHERS)}\n\n${flags}\n`;
}
