import { Api } from "./api.js";
import { parseCommandLine, seeHelpOf } from "./args.js";
import type { Command, Terminal } from "./command.js";
import { botConfig } from "./commands/bot-config.js";
import { botCreate, botList, botRevoke } from "./commands/bots.js";
import { activate, down, drain, pin, unpin, weight } from "./commands/cell-changes.js";
import { cells } from "./commands/cells.js";
import { channel, history, presence, publish, tail } from "./commands/channels.js";
import { gameDay, gameDayStop } from "./commands/game-day.js";
import { gatewayDrain, gateways } from "./commands/gateways.js";
import { load } from "./commands/load.js";
import { logBackup, logRestore } from "./commands/log.js";
import { operations } from "./commands/operations.js";
import { plan } from "./commands/plan.js";
import {
  settingsCheck,
  settingsPut,
  settingsSet,
  settingsShow,
  tenantCheck,
  tenantPut,
  tenantSet,
} from "./commands/settings.js";
import { stats } from "./commands/stats.js";
import { tenantList, tenantRemove, tenantResume, tenantShow, tenantSuspend } from "./commands/tenants.js";
import { token } from "./commands/tokens.js";
import { trace } from "./commands/trace.js";
import { disconnect, revoke, user } from "./commands/users.js";
import { version } from "./commands/version.js";
import { webhookDead, webhookList, webhookReplay } from "./commands/webhooks.js";
import { CliError, EXIT } from "./errors.js";
import { helpFor, overview } from "./help.js";
import { findInstallation } from "./installation.js";
import { printable } from "./text.js";

const help: Command = {
  name: "help",
  args: ["[command]", "[command]"],
  options: [],
  summary: "this text, or that of a command",
  examples: ["plexus help drain", "plexus help bot", "plexus drain --help"],
  run: async ({ given, terminal }) => {
    terminal.out(helpFor(given.args, COMMANDS));
    return EXIT.ok;
  },
};

export const COMMANDS: readonly Command[] = [
  stats,
  cells,
  drain,
  activate,
  weight,
  down,
  pin,
  unpin,
  tenantList,
  tenantShow,
  tenantSet,
  tenantPut,
  tenantCheck,
  tenantSuspend,
  tenantResume,
  tenantRemove,
  settingsShow,
  settingsSet,
  settingsPut,
  settingsCheck,
  webhookList,
  webhookDead,
  webhookReplay,
  gateways,
  gatewayDrain,
  logBackup,
  logRestore,
  load,
  plan,
  gameDay,
  gameDayStop,
  operations,
  channel,
  publish,
  history,
  tail,
  trace,
  presence,
  user,
  disconnect,
  revoke,
  token,
  botCreate,
  botList,
  botRevoke,
  botConfig,
  version,
  help,
];

/** Runs a command line. Resolves to the exit code; never rejects for what a person can act on. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let command: Command | undefined;
  try {
    const line = parseCommandLine(argv[0] === "--version" ? [version.name] : argv, COMMANDS);
    const { given, words } = line;
    command = line.command;
    if (given.has("help")) {
      terminal.out(helpFor(words, COMMANDS));
      return EXIT.ok;
    }
    if (command === undefined) {
      terminal.note(overview(COMMANDS));
      return EXIT.usage;
    }
    const api = new Api(() => findInstallation(given, terminal.env, terminal.cwd));
    return await command.run({ given, terminal, api });
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    terminal.status("");
    terminal.note(`plexus: ${printable(error.message)}`);
    const hint = error.hint ?? (error.exitCode === EXIT.usage ? seeHelp(command) : undefined);
    if (hint !== undefined) terminal.note(hint);
    return error.exitCode;
  }
}

function seeHelp(command: Command | undefined): string {
  return command === undefined ? "See: plexus help" : seeHelpOf(command);
}
