import type { Api } from "./api.js";
import type { CommandShape, Given } from "./args.js";

/** What a command works with; tests give their own. */
export interface Terminal {
  /** Prints a line to standard output. */
  out(line: string): void;
  /** Prints a line to standard error: what is not the command's result. */
  note(line: string): void;
  /** Shows a line that the next one replaces; only where a person looks on. */
  status(line: string): void;
  readonly isInteractive: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  now(): number;
}

export interface CommandContext {
  readonly given: Given;
  readonly terminal: Terminal;
  readonly api: Api;
}

export interface Command extends CommandShape {
  /** Command lines that work as they stand where the names in them exist. */
  readonly examples: readonly string[];
  /** What a person would want to know beyond the summary. */
  readonly more?: readonly string[];
  /** Resolves to the exit code. Throws a {@link CliError} for what a person can act on. */
  run(context: CommandContext): Promise<number>;
}

/** Prints a result: JSON where that was asked for, else the lines that `lines` makes of it. */
export function show<T>(context: CommandContext, value: T, lines: (value: T) => readonly string[]): number {
  const { given, terminal } = context;
  if (given.has("json")) terminal.out(JSON.stringify(value));
  else for (const line of lines(value)) terminal.out(line);
  return 0;
}
