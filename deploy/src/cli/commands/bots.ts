import { rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Static } from "typebox";
import type { BotBody, BotsBody, CreatedBotBody, RevokedBotBody } from "../../admin/bot-schemas.js";
import { path } from "../api.js";
import { type Command, show } from "../command.js";
import { CliError, EXIT, usageError } from "../errors.js";
import { moment, table } from "../text.js";
import { readCaps } from "./tokens.js";

type Bot = Static<typeof BotBody>;

export const botCreate: Command = {
  name: "bot create",
  args: ["tenant", "bot"],
  options: ["caps", "public-key", "out"],
  summary: "makes credentials for a bot",
  examples: [
    "plexus bot create demo helper --caps 'chat.>' --out helper.seed",
    "plexus bot create demo reader --caps 'chat.>=sub,history' --public-key UABC…",
  ],
  more: [
    "The seed is shown, or written to a new file, this once; with a public key of your own there is none to show.",
  ],
  run: async (context) => {
    const { api, given, terminal } = context;
    const [tenant, name] = given.args as [string, string];
    const [publicKey, out] = [given.text("public-key"), given.text("out")];
    const caps = readCaps(given.texts("caps"));
    if (Object.keys(caps).length === 0)
      throw usageError("--caps is missing: what the bot may do, as in --caps 'chat.>=sub,pub'");
    const file = out === undefined || publicKey !== undefined ? undefined : resolve(terminal.cwd, out);
    // Made first: a seed that could not be written would be lost.
    if (file !== undefined) writeNew(file, "");
    const body = { name, caps, ...(publicKey === undefined ? {} : { publicKey }) };
    const created = await api
      .post<Static<typeof CreatedBotBody>>(path`/v1/tenants/${tenant}/bots`, body)
      .catch((error: unknown) => {
        if (file !== undefined) rmSync(file);
        throw error;
      });
    const { bot, seed } = created;
    if (file !== undefined && seed !== undefined) {
      writeFileSync(file, `${seed}\n`);
      return show(context, { bot }, () => [`${name} may log in with the seed in ${out}`]);
    }
    return show(context, created, () => [
      `${name} may log in with the key ${bot.publicKey}`,
      ...(seed === undefined ? [] : [`its seed, which is never shown again: ${seed}`]),
    ]);
  },
};

export const botList: Command = {
  name: "bot list",
  args: ["[tenant]"],
  options: [],
  summary: "the bots that may log in",
  examples: ["plexus bot list demo"],
  run: async (context) => {
    const { api, given } = context;
    const [tenant] = given.args;
    const where = tenant === undefined ? "/v1/bots" : path`/v1/tenants/${tenant}/bots`;
    return show(context, await api.get<Static<typeof BotsBody>>(where), ({ bots }) =>
      table(
        [
          { title: "TENANT", value: (bot: Bot) => bot.tenant },
          { title: "BOT", value: (bot: Bot) => bot.name },
          { title: "SINCE", value: (bot: Bot) => moment(bot.createdAt) },
          { title: "KEY", value: (bot: Bot) => bot.publicKey },
          { title: "CAPABILITIES", value: capsOf },
        ],
        bots,
      ),
    );
  },
};

function capsOf({ caps }: Bot): string {
  return Object.entries(caps)
    .map(([pattern, actions]) => `${pattern}=${actions.join(",")}`)
    .join(" ");
}

export const botRevoke: Command = {
  name: "bot revoke",
  args: ["tenant", "bot"],
  options: [],
  summary: "takes a bot's credentials away; it is disconnected",
  examples: ["plexus bot revoke demo helper"],
  run: async (context) => {
    const { api, given } = context;
    const [tenant, name] = given.args as [string, string];
    const answer = await api.delete<Static<typeof RevokedBotBody>>(path`/v1/tenants/${tenant}/bots/${name}`);
    return show(context, answer, () => [`revoked: ${name}`]);
  },
};

/** Never over what is there: it may be the seed of another bot. */
function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST")
      throw usageError(`${file} is there already`, "Give --out another name, or move that file away.");
    throw new CliError(EXIT.usage, `${file} can't be made: ${code}`);
  }
}
