import { type CommandShape, familyOf, find, noCommand } from "./args.js";
import type { Command } from "./command.js";
import { GLOBAL, OPTIONS, type OptionName } from "./option-table.js";

const EXIT_CODES = `Exit codes:
  0  done
  1  tried, and failed
  2  the command line is not right
  3  the admin API can't be reached
  4  refused: it contradicts the present state, a bound, or the role of the token
  5  there is no such thing
  6  the admin token is not the right one
  7  something that is needed is away; the same command may succeed later
  130  Ctrl-C while waiting; what was begun goes on`;

/** What `plexus help` says of these words: of a command, of those that begin with a word, or of all of it. */
export function helpFor(words: readonly string[], commands: readonly Command[]): string {
  const command = find(commands, words);
  if (command !== undefined) return helpOf(command);
  if (words.length === 0) return overview(commands);
  const family = familyOf(commands, words[0]);
  if (family.length === 0 || words.length > 1) throw noCommand(commands, words);
  return `Usage: plexus <command> [options]

${commandLines(family)}

What each of them does, with examples: plexus help ${words[0]} <command>`;
}

export function overview(commands: readonly Command[]): string {
  return `Plexus for operators.

Usage: plexus <command> [options]

${commandLines(commands)}

What each of them does, with examples: plexus help <command>

Options of all commands:
${optionLines(GLOBAL)}

The installation is the one of --admin-url and --admin-token, of PLEXUS_ADMIN_URL and PLEXUS_ADMIN_TOKEN,
or the one that runs on this machine.

${EXIT_CODES}`;
}

function commandLines(commands: readonly Command[]): string {
  const names = commands.map((command) => usageOf(command));
  const width = Math.max(...names.map((name) => name.length));
  return commands.map(({ summary }, i) => `  ${names[i]!.padEnd(width)}  ${summary}`).join("\n");
}

function helpOf(command: Command): string {
  const { summary, examples, more } = command;
  const parts = [`${capital(summary)}.`, `Usage: plexus ${usageOf(command)} [options]`];
  if (more !== undefined) parts.push(more.join("\n"));
  parts.push(
    `${examples.length > 1 ? "Examples" : "Example"}:\n${examples.map((line) => `  ${line}`).join("\n")}`,
  );
  parts.push(`Options:\n${optionLines([...command.options, ...GLOBAL])}`);
  return parts.join("\n\n");
}

function usageOf({ name, args }: CommandShape): string {
  // Its argument is a command's name, which has one word or two.
  if (name === "help") return "help [command]";
  return [name, ...args.map((arg) => (arg.startsWith("[") ? arg : `<${arg}>`))].join(" ");
}

function optionLines(names: readonly OptionName[]): string {
  return names
    .map((name) => {
      const { value, isRepeatable, doc } = OPTIONS.get(name)!;
      const flag = [name === "help" ? "-h, --help" : `--${name}`, value].filter(Boolean).join(" ");
      return `  ${flag.padEnd(24)}  ${doc}${isRepeatable ? "; may be repeated" : ""}`;
    })
    .join("\n");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
