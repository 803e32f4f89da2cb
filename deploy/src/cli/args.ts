/** From the command line to a command, its arguments and options: declared once, for parsing and for the help. */
import { parseArgs } from "node:util";
import { usageError } from "./errors.js";

interface OptionSpec {
  /** Stands for the value in the help; none for a flag. */
  value?: string;
  short?: string;
  multiple?: boolean;
  doc: string;
}

/** Every option there is; a command says which of them it takes. */
export const OPTIONS = {
  "admin-url": { value: "URL", doc: "address of the admin API (PLEXUS_ADMIN_URL)" },
  "admin-token": {
    value: "TOKEN",
    doc: "its bearer token (PLEXUS_ADMIN_TOKEN, which other users of the machine can't see)",
  },
  data: { value: "DIR", doc: "data folder of an installation on this machine (.plexus here or above)" },
  json: { doc: "JSON instead of text" },
  help: { short: "h", doc: "what the command does" },
  advise: { doc: "whether to add or drain one, and why" },
  after: { value: "SEQ", doc: "messages after this one" },
  before: { value: "SEQ", doc: "messages before this one" },
  bytes: { value: "N", doc: "of a message's data (load: 128, plan: 200)" },
  caps: {
    value: "PATTERN=ACTIONS",
    multiple: true,
    doc: "what is allowed, as in 'chat.>=sub,pub'; without actions all of them; may be repeated",
  },
  channels: { value: "N", doc: "channels of the load" },
  "channels-per-connection": { value: "N", doc: "subscriptions of each connection (1)" },
  "channels-per-user": { value: "N", doc: "channels that a user is a member of (5)" },
  churn: { value: "N", doc: "connections per second that leave, and come back as new ones (0)" },
  concurrent: { value: "SHARE", doc: "of the users, those that are connected at the peak (0.1)" },
  conn: { value: "ID", doc: "only this connection" },
  connections: { value: "N", doc: "connections that subscribe" },
  domain: {
    value: "NAME",
    doc: "JetStream domain of the log (the cell's name where cells have brokers of their own)",
  },
  explain: { doc: "show the arithmetic, and where each figure is from" },
  failover: { doc: "let another region serve while this one has no active cell" },
  faults: { value: "LIST", doc: "the faults of a game day, in order, as in worker-kill,cell-drain" },
  file: {
    value: "FILE",
    doc: "the file: of settings to read, JSON (- is standard input), or of a configuration to write",
  },
  follow: { doc: "show progress until it ends" },
  force: { doc: "even if no other gateway accepts connections" },
  headroom: { value: "SHARE", doc: "what processes are loaded with at the peak (0.6)" },
  hold: { value: "TIME", doc: "how long a fault lasts (5s)" },
  installation: { value: "NAME", doc: "the installation's name, typed by whoever begins" },
  jti: { value: "ID", doc: "id of a token" },
  kubectl: { value: "NAMESPACE", doc: "delete pods there, with kubectl as it is set up here" },
  letter: { value: "ID", doc: "only this dead letter" },
  lifetime: {
    value: "TIME",
    doc: "how long the longest-lived of these tokens still has, as in 90m, 12h or 30d (the installation's longest)",
  },
  limit: { value: "N", doc: "how many at most" },
  "max-errors": { value: "SHARE", doc: "of a second's publishes: with more failures it ends (0.05)" },
  "max-p99": {
    value: "MS",
    doc: "milliseconds from due to ok: where the p99 of a second is longer it ends (5000)",
  },
  "max-pause": { value: "TIME", doc: "that a message may wait: beyond it everything is undone (30s)" },
  "max-time": { value: "TIME", doc: "of the whole run, whatever happens (15m)" },
  members: { value: "N", doc: "members of a channel (20)" },
  "messages-per-day": { value: "N", doc: "messages that a user writes in a day (20)" },
  mid: { value: "ID", doc: "idempotency id: the same again is stored once" },
  "nats-url": {
    value: "URL",
    doc: "NATS, the hub where there is one (PLEXUS_NATS_URL, or that of the installation on this machine)",
  },
  "no-wait": { doc: "don't wait for the end" },
  out: { value: "FILE", doc: "a new file for the seed, which is shown nowhere then" },
  "per-second": { value: "N", doc: "connections per second that are told to go (the gateway's own pace)" },
  regions: { value: "LIST", doc: "regions with their shares of the users, as in eu=0.6,us=0.4" },
  replace: { doc: "even if the cell has a log that is not empty: it is removed" },
  replicas: { value: "N", doc: "of each NATS server and of the log (3)" },
  "retention-days": { value: "N", doc: "days that messages are kept (30)" },
  report: { value: "NAME", doc: "writes the report to NAME.md and NAME.json, too" },
  rest: { value: "TIME", doc: "from one fault to the next (3s)" },
  revision: { value: "N", doc: "only if nobody has changed it since this revision" },
  rewind: { value: "N", doc: "begin with the last N messages (0)" },
  "pid-file": {
    value: "FILE",
    doc: "holds the process id of the NATS server, which is told when the file changes",
  },
  peak: { value: "N", doc: "how many times the average the busiest moment is (5)" },
  "presence-share": { value: "SHARE", doc: "of the subscriptions, those with presence (load: 0, plan: 0.2)" },
  "joins-per-second": {
    value: "N",
    doc: "joins of channels with presence at the peak, beside those of sessions (0)",
  },
  "history-reads-per-second": { value: "N", doc: "pages of history that are read at the peak (0)" },
  "deep-share": { value: "SHARE", doc: "of these, those that go further back than memory (0.2)" },
  bots: { value: "N", doc: "bots that are connected (0)" },
  "messages-per-bot": { value: "N", doc: "messages a second that each bot hears (1)" },
  "webhooks-per-second": { value: "N", doc: "events that webhooks are sent at the peak (0)" },
  prices: { value: "FILE", doc: "unit costs, as JSON" },
  "public-key": {
    value: "KEY",
    doc: "the public nkey that the bot logs in with; a pair is made without one",
  },
  ramp: { value: "N", doc: "new connections per second (100)" },
  rate: { value: "N", doc: "publishes per second, of all together" },
  seconds: { value: "N", doc: "how long: to publish in each step (30), to follow (60)" },
  session: { value: "TIME", doc: "how long a user stays connected (30m)" },
  sources: { value: "N", doc: "connections that only publish; without them subscribers do (0)" },
  steady: { value: "TIME", doc: "without a fault, before the first one (5s)" },
  steps: { value: "LIST", doc: "multiples of the stated peak (1,2,5,10)" },
  "tokens-file": { value: "FILE", doc: "clients' tokens, one a line, where they can't be made here" },
  ttl: { value: "TIME", doc: "how long the token lives, as in 90m, 12h or 30d (1h)" },
  url: {
    value: "URL",
    multiple: true,
    doc: "address of a gateway, as in wss://chat.example; may be repeated",
  },
  watch: { doc: "go on until Ctrl-C: a line each second, or a file that is kept up to date" },
  users: { value: "N", doc: "users of the whole installation" },
  user: { value: "USER", doc: "in whose name" },
  workload: { value: "FILE", doc: "the load, as JSON (- is standard input); flags go before what it says" },
  "yes-i-own-this-installation": { doc: "drive an installation that is not on this machine" },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;
export const GLOBAL: readonly OptionName[] = ["admin-url", "admin-token", "data", "json", "help"];

export interface CommandShape {
  /** One or two words. */
  readonly name: string;
  /** Names of the arguments; one in brackets may be missing, a last one with … may come more than once. */
  readonly args: readonly string[];
  readonly options: readonly OptionName[];
  readonly summary: string;
}

/** What was given, with every name checked. */
export class Given {
  readonly args: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(args: readonly string[], values: Readonly<Record<string, unknown>>) {
    this.args = args;
    this.#values = values;
  }

  has(name: OptionName): boolean {
    return this.#values[name] === true;
  }
  text(name: OptionName): string | undefined {
    return this.#values[name] as string | undefined;
  }
  texts(name: OptionName): string[] {
    return (this.#values[name] as string[] | undefined) ?? [];
  }

  /** A whole number. */
  count(name: OptionName, least: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least)) throw usageError(`--${name} must be a whole number of at least ${least}`);
    return value;
  }

  /** Any number. */
  number(name: OptionName, least: number, most = Number.POSITIVE_INFINITY): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const range = most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`;
    throw usageError(`--${name} must be a number ${range}`);
  }

  /** A span of time, in milliseconds. */
  spanMs(name: OptionName): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : readSpan(text, name);
  }
}

const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function readSpan(text: string, name: string): number {
  const match = /^(\d{1,9})(s|m|h|d)$/.exec(text);
  if (match === null || Number(match[1]) === 0)
    throw usageError(`--${name} must be a time such as 30s, 90m, 12h or 30d`);
  return Number(match[1]) * UNIT_MS[match[2]!]!;
}

/** Finds the command and reads the rest. `command` is undefined where none is named. */
export function parseCommandLine<C extends CommandShape>(
  argv: readonly string[],
  commands: readonly C[],
): { command: C | undefined; given: Given } {
  const { values, positionals } = parse(argv);
  const command = find(commands, positionals);
  if (command === undefined) {
    if (positionals.length > 0)
      throw usageError(`there is no command "${positionals.slice(0, 2).join(" ")}"`);
    return { command, given: new Given([], values) };
  }
  const args = positionals.slice(command.name.split(" ").length);
  const hint = `See: plexus help ${command.name}`;
  const strange = Object.keys(values).find((name) => !allows(command, name));
  if (strange !== undefined) throw usageError(`"${command.name}" has no option --${strange}`, hint);
  if (values.help !== true) checkCount(command, args, hint);
  return { command, given: new Given(args, values) };
}

function parse(argv: readonly string[]): { values: Record<string, unknown>; positionals: string[] } {
  const options = Object.entries<OptionSpec>(OPTIONS).map(([name, { value, short, multiple }]) => [
    name,
    {
      type: value === undefined ? ("boolean" as const) : ("string" as const),
      ...(short === undefined ? {} : { short }),
      ...(multiple === undefined ? {} : { multiple }),
    },
  ]);
  try {
    return parseArgs({ args: [...argv], options: Object.fromEntries(options), allowPositionals: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith("ERR_PARSE_ARGS")) throw error;
    throw usageError(message.split(/\.\s|\n/)[0]!);
  }
}

/** The command whose name is the longest beginning of the words. */
export function find<C extends CommandShape>(
  commands: readonly C[],
  words: readonly string[],
): C | undefined {
  const named = commands.filter(({ name }) => name === words.slice(0, name.split(" ").length).join(" "));
  return named.sort((a, b) => b.name.length - a.name.length)[0];
}

function allows({ options }: CommandShape, name: string): boolean {
  return options.includes(name as OptionName) || GLOBAL.includes(name as OptionName);
}

function checkCount({ name, args: names }: CommandShape, args: readonly string[], hint: string): void {
  const missing = names[args.length];
  if (missing !== undefined && !missing.startsWith("["))
    throw usageError(`"${name}" needs <${missing}>`, hint);
  if (args.length > names.length && names.at(-1)?.endsWith("…") !== true)
    throw usageError(`"${name}" takes no further argument "${args[names.length]}"`, hint);
}
