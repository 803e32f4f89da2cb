import { randomUUID } from "node:crypto";
import {
  ACTIONS,
  type Action,
  Capabilities,
  type CapabilityClaim,
  isTenant,
  MAX_USER_LENGTH,
} from "@plexus/protocol";
import { type Command, show } from "../command.js";
import { usageError } from "../errors.js";
import { findTokenSecret } from "../installation.js";

const TTL_MS = 60 * 60 * 1_000;

interface Issued {
  token: string;
  jti: string;
  expiresAt: number;
}

export const token: Command = {
  name: "token",
  args: ["tenant", "user"],
  options: ["caps", "ttl", "jti"],
  summary: "makes a token for a client; for trying things out",
  examples: [
    "plexus token demo alice --caps 'chat.>' --ttl 12h",
    "plexus token demo reader --caps 'chat.>=sub,history' --caps 'news.*=sub'",
  ],
  more: [
    "It is signed with PLEXUS_TOKEN_SECRET, or the secret of the installation on this machine, or else by the admin API.",
  ],
  run: async (context) => {
    const { api, given, terminal } = context;
    const [tenant, user] = given.args as [string, string];
    if (!isTenant(tenant)) throw usageError(`"${tenant}" is no tenant's name: a-z, 0-9 and -, at most 32`);
    if (user.length === 0 || user.length > MAX_USER_LENGTH)
      throw usageError(`a user has 1 to ${MAX_USER_LENGTH} characters`);
    const claims = {
      tenant,
      user,
      caps: readCaps(given.texts("caps")),
      lifetimeMs: given.spanMs("ttl") ?? TTL_MS,
      jti: given.text("jti") ?? randomUUID(),
    };
    if (Object.keys(claims.caps).length === 0)
      terminal.note("Nothing is allowed with this token: it has no --caps, as in --caps 'chat.>'.");
    const secret = findTokenSecret(given, terminal.env, terminal.cwd);
    const sign = async (key: string) => {
      const { signToken } = await import("../../admin/sign-token.js"); // nothing else here needs its library
      return signToken(new TextEncoder().encode(key), claims);
    };
    const issued = secret === undefined ? await api.post<Issued>("/v1/tokens", claims) : await sign(secret);
    return show(context, issued, ({ token }) => [token]);
  },
};

/** `pattern=action,action`, or a pattern alone for all actions. */
export function readCaps(texts: readonly string[]): CapabilityClaim {
  const caps: CapabilityClaim = {};
  for (const text of texts) {
    const [pattern = "", actions] = text.split("=");
    caps[pattern] = actions === undefined ? [...ACTIONS] : (actions.split(",") as Action[]);
  }
  const problem = Capabilities.parse(caps);
  if (typeof problem === "string") throw usageError(problem);
  return caps;
}
