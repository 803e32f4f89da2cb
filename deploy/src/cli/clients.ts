/** What commands that are clients themselves need: tokens, and gateways that they may drive. */
import { randomUUID } from "node:crypto";
import { ACTIONS } from "@plexus/protocol";
import { isLoopback } from "@plexus/runtime";
import { signToken } from "../admin/sign-token.js";
import { type Target, targetOf } from "../load/connection.js";
import type { CommandContext } from "./command.js";
import { CliError, EXIT, usageError } from "./errors.js";
import { findGateways, findTokenSecret } from "./installation.js";
import { readText } from "./read-file.js";

/** Gateways to connect to; those of another machine only where a person says that they may be driven. */
export function drivenGateways({ given, terminal }: CommandContext): Target[] {
  const urls = findGateways(given, terminal.env, terminal.cwd);
  const foreign = urls.find((url) => !isOnThisMachine(targetOf(url).host));
  if (foreign !== undefined && !given.has("yes-i-own-this-installation"))
    throw new CliError(
      EXIT.refused,
      `${foreign} is not on this machine`,
      "Driving somebody else's installation is an attack. If it is yours: --yes-i-own-this-installation",
    );
  return urls.map(targetOf);
}

function isOnThisMachine(host: string): boolean {
  return host === "localhost" || isLoopback(host);
}

/** One token for each of the users, or those of `--tokens-file`; signed here where the secret is known, else by the admin API. */
export async function clientTokens(
  { api, given, terminal }: CommandContext,
  claims: { tenant: string; users: readonly string[]; lifetimeMs: number },
): Promise<string[]> {
  const file = given.text("tokens-file");
  if (file !== undefined) {
    const tokens = readText(terminal, file)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
    if (tokens.length === 0) throw usageError(`${file} holds no token`);
    return tokens;
  }
  const { tenant, users, lifetimeMs } = claims;
  const secret = findTokenSecret(given, terminal.env, terminal.cwd);
  const tokens: string[] = [];
  for (const user of users) {
    const one = { tenant, user, caps: { ">": [...ACTIONS] }, lifetimeMs, jti: randomUUID() };
    const { token } =
      secret === undefined
        ? await api.post<{ token: string }>("/v1/tokens", one)
        : await signToken(new TextEncoder().encode(secret), one);
    tokens.push(token);
  }
  return tokens;
}
