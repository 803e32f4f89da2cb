import { type CommandShape, GLOBAL, OPTIONS, type OptionName } from "./args.js";
import type { Command } from "./command.js";

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

export function overview(commands: readonly Command[]): string {
  const names = commands.map((command) => usageOf(command));
  const width = Math.max(...names.map((name) => name.length));
  const lines = commands.map(({ summary }, i) => `  ${names[i]!.padEnd(width)}  ${summary}`);
  return `Plexus for operators.

Usage: plexus <command> [options]

${lines.join("\n")}

Options of all commands:
${optionLines(GLOBAL)}

The installation is the one of --admin-url and --admin-token, of PLEXUS_ADMIN_URL and PLEXUS_ADMIN_TOKEN,
or the one that runs on this machine.

${EXIT_CODES}`;
}

export function helpOf(command: Command): string {
  const parts = [`${capital(command.summary)}.`, `Usage: plexus ${usageOf(command)}`];
  if (command.more !== undefined) parts.push(command.more.join("\n"));
  parts.push(`Options:\n${optionLines([...command.options, ...GLOBAL])}`);
  return parts.join("\n\n");
}

function usageOf({ name, args }: CommandShape): string {
  if (name === "help") return "help [command]";
  return [name, ...args.map((arg) => (arg.startsWith("[") ? arg : `<${arg}>`))].join(" ");
}

function optionLines(names: readonly OptionName[]): string {
  return names
    .map((name) => {
      const option: { value?: string; short?: string; doc: string } = OPTIONS[name];
      const flag = [`--${name}`, option.value].filter(Boolean).join(" ");
      return `  ${flag.padEnd(24)}  ${option.doc}`;
    })
    .join("\n");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
