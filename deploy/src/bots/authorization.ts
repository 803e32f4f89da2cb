/**
 * The part of a NATS server's configuration that says who may log in: internal processes, and each bot with the
 * permissions of its capabilities. It holds public keys only. Tried with nats-server 2.9.
 */
import type { RegisteredBot } from "@plexus/runtime";
import { permissionsOf } from "./permissions.js";

/** `internal`: public nkeys of those that may do everything; `open`: whoever comes without a login may as well. */
export type Others = { internal: readonly string[] } | { open: true };

/** The same bots make the same text, whatever the order. */
export function brokerAuthorization(bots: readonly RegisteredBot[], others: Others): string {
  const lines = [...bots].sort(byName).map(botLine);
  const [head, first] =
    "open" in others
      ? [`no_auth_user: ${JSON.stringify(ANYBODY)}\n`, [anybodyLine, nobodyLine]]
      : ["", others.internal.map((key) => `{ nkey: ${JSON.stringify(key)} }`)];
  const users = [...first, ...lines].map((line) => `    ${line}\n`).join("");
  return `# Made by Plexus from the list of bots; changes are lost.\n${head}authorization {\n  users: [\n${users}  ]\n}\n`;
}

/** Where no login is asked for, everybody who brings none is this user. Its password opens nothing more. */
const ANYBODY = "plexus";
const anybodyLine = `{ user: "${ANYBODY}", password: "open" }`;
/**
 * May do nothing, so it does not matter who has the seed. As long as there is one nkey the server asks for signatures:
 * a bot that was the last one, and was revoked, would otherwise come back as one without a login.
 */
const NOBODY = "UBVMKDCUKBG26VKUNQWJO6IWUUKW75YQJREMTIUCQFX7WQV3C57R5AVV";
const nobodyLine = `{ nkey: "${NOBODY}", permissions: { publish: { deny: [">"] }, subscribe: { deny: [">"] } } }`;

function botLine(bot: RegisteredBot): string {
  const { publish, subscribe, notSubscribe } = permissionsOf(bot);
  // An empty list would allow everything.
  const publishing = publish.length === 0 ? 'deny: [">"]' : `allow: ${JSON.stringify(publish)}`;
  const denied = notSubscribe.length === 0 ? "" : `, deny: ${JSON.stringify(notSubscribe)}`;
  const subscribing = `allow: ${JSON.stringify(subscribe)}${denied}`;
  const permissions = `{ publish: { ${publishing} }, subscribe: { ${subscribing} } }`;
  return `{ nkey: "${bot.publicKey}", allowed_connection_types: ["STANDARD"], permissions: ${permissions} } # ${bot.tenant}/${bot.name}`;
}

function byName(a: RegisteredBot, b: RegisteredBot): number {
  const [left, right] = [`${a.tenant}.${a.name}`, `${b.tenant}.${b.name}`];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
