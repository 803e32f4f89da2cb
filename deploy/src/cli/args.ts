/** From the command line to a command, its arguments and options: declared once, for parsing and for the help. */
import { parseArgs } from "node:util";
import { usageError } from "./errors.js";
import { nearest } from "./nearest.js";
import { GLOBAL, OPTIONS, type OptionName } from "./option-table.js";

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

/** Words and options as they stand on the command line. */
interface Line {
  readonly words: readonly string[];
  readonly options: ReadonlyArray<{ name: string; value: string | undefined }>;
}

/** Finds the command and reads the rest. `command` is undefined where none is named, or where help is asked for another word. */
export function parseCommandLine<C extends CommandShape>(
  argv: readonly string[],
  commands: readonly C[],
): { command: C | undefined; given: Given; words: readonly string[] } {
  const { words, options } = read(argv);
  const command = find(commands, words);
  const isHelp = options.some(({ name }) => name === "help");
  if (command === undefined && words.length > 0 && !isHelp) throw noCommand(commands, words);
  const hint = command && seeHelpOf(command);
  const values: Record<string, unknown> = {};
  for (const option of options) take(option, command, values, hint);
  const args = words.slice(command?.name.split(" ").length ?? words.length);
  if (command !== undefined && !isHelp) checkCount(command, args, hint!);
  return { command, given: new Given(args, values), words };
}

export function seeHelpOf({ name }: CommandShape): string {
  return `See: plexus help ${name}`;
}

function read(argv: readonly string[]): Line {
  const types = [...OPTIONS.values()].map(({ name, value }) => [
    name,
    { type: value === undefined ? ("boolean" as const) : ("string" as const) },
  ]);
  const known = { ...Object.fromEntries(types), help: { type: "boolean" as const, short: "h" } };
  const { tokens } = parseArgs({ args: [...argv], options: known, strict: false, tokens: true });
  return {
    words: tokens.flatMap((token) => (token.kind === "positional" ? [token.value] : [])),
    options: tokens.flatMap((token) => (token.kind === "option" ? [readOption(token)] : [])),
  };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function readOption({ name, rawName, value, inlineValue }: OptionToken): Line["options"][number] {
  // What is not known keeps its dashes, for the complaint.
  if (!OPTIONS.has(name)) return { name: rawName, value };
  const placeholder = OPTIONS.get(name)!.value;
  if (placeholder === undefined && value !== undefined) throw usageError(`--${name} takes no value`);
  // `--limit --json` lacks a value; who means one that begins with a dash writes `--limit=-5`.
  const isMissing = value === undefined || (inlineValue !== true && value.startsWith("-") && value !== "-");
  if (placeholder !== undefined && isMissing)
    throw usageError(`--${name} needs a value: --${name} ${placeholder}`);
  return { name, value };
}

/** Puts an option where {@link Given} finds it. */
function take(
  { name, value }: Line["options"][number],
  command: CommandShape | undefined,
  values: Record<string, unknown>,
  hint: string | undefined,
): void {
  const allowed = command === undefined ? GLOBAL : [...command.options, ...GLOBAL];
  if (!allowed.includes(name as OptionName)) {
    const meant = nearest(name.replace(/^-*/, ""), allowed);
    const shown = OPTIONS.has(name) ? `--${name}` : name;
    const what =
      command === undefined ? `there is no option ${shown}` : `"${command.name}" has no option ${shown}`;
    throw usageError(meant === undefined ? what : `${what}; is --${meant} meant?`, hint);
  }
  const isRepeatable = OPTIONS.get(name)!.isRepeatable;
  if (isRepeatable) values[name] = [...((values[name] as string[] | undefined) ?? []), value];
  else values[name] = value ?? true;
}

/** The command whose name is the longest beginning of the words. */
export function find<C extends CommandShape>(
  commands: readonly C[],
  words: readonly string[],
): C | undefined {
  const named = commands.filter(({ name }) => name === words.slice(0, name.split(" ").length).join(" "));
  return named.sort((a, b) => b.name.length - a.name.length)[0];
}

/** Commands that begin with this word, as `plexus bot create` and its like. */
export function familyOf<C extends CommandShape>(commands: readonly C[], word: string | undefined): C[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `));
}

/** What to say where words name no command. */
export function noCommand(commands: readonly CommandShape[], words: readonly string[]): Error {
  const family = familyOf(commands, words[0]);
  const said = words.slice(0, family.length > 0 ? 2 : 1).join(" ");
  const hint = family.length > 0 ? `See: plexus help ${words[0]}` : undefined;
  if (family.length > 0 && words.length === 1)
    return usageError(
      `"${said}" alone is no command; there is: ${family.map(({ name }) => name).join(", ")}`,
      hint,
    );
  const names = commands.map(({ name }) => name);
  const meant = nearest(words.slice(0, 2).join(" "), names) ?? nearest(words[0]!, names);
  return usageError(`there is no command "${said}"${meant ? `; is "${meant}" meant?` : ""}`, hint);
}

function checkCount({ name, args: names }: CommandShape, args: readonly string[], hint: string): void {
  const missing = names[args.length];
  if (missing !== undefined && !missing.startsWith("["))
    throw usageError(`"${name}" needs <${missing}>`, hint);
  if (args.length > names.length && names.at(-1)?.endsWith("…") !== true)
    throw usageError(`"${name}" takes no further argument "${args[names.length]}"`, hint);
}
