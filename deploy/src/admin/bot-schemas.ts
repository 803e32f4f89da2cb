/** What the routes of bots take and give. */
import { ACTIONS } from "@plexus/protocol";
import { Type } from "typebox";
import { closed, ErrorBody, list, named, ref, TimeMs } from "./schemas.js";

export const BotName = Type.String({
  pattern: "^[a-z0-9-]{1,32}$",
  description: "a bot's name: a-z, 0-9 and -, 32 characters at most",
});
const Caps = Type.Record(Type.String(), Type.Array(list(ACTIONS)), {
  description: "what is allowed, by channel pattern",
});
export const CreateBotBody = Type.Object(
  {
    name: BotName,
    caps: Caps,
    publicKey: Type.Optional(
      Type.String({
        maxLength: 56,
        description: "the public nkey of a user (U…); a pair is made without one",
      }),
    ),
  },
  closed,
);
export const BotBody = named(
  "Bot",
  Type.Object({
    tenant: Type.String(),
    name: Type.String(),
    publicKey: Type.String({ description: "the nkey that it logs in with" }),
    caps: Caps,
    createdAt: TimeMs,
  }),
);
export const BotsBody = named("Bots", Type.Object({ bots: Type.Array(ref(BotBody)) }));
export const CreatedBotBody = named(
  "CreatedBot",
  Type.Object({
    bot: ref(BotBody),
    seed: Type.Optional(
      Type.String({ description: "what the bot logs in with (SU…); this is the only time that it is shown" }),
    ),
  }),
);
export const RevokedBotBody = named("RevokedBot", Type.Object({ revoked: ref(BotBody) }));

/** What OpenAPI shows under its own name. */
export const BOTS_NAMED = [BotBody, BotsBody, CreatedBotBody, RevokedBotBody];

/** The answer of a route that says it in plain text. */
export function textAnswers(description: string) {
  const text = { description, content: { "text/plain": { schema: Type.String() } } };
  return { 200: text, "4xx": ref(ErrorBody), "5xx": ref(ErrorBody) };
}
