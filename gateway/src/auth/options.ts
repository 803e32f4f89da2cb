import { ConfigError, flag, integer, type Options, option, tokenSecrets } from "@plexus/runtime";
import { z } from "zod";
import { parseOrigin } from "./origins.js";

const address = z.url({ protocol: /^https?$/, error: "must be an http or https address" }).optional();

const origins = z.string().transform((text, context) => {
  const parsed = text.split(",").map((each) => parseOrigin(each.trim()));
  const known = parsed.filter((origin) => origin !== undefined);
  if (known.length === parsed.length) return known;
  context.addIssue({ code: "custom", message: "each must be scheme://host or scheme://host:port, or *" });
  return z.NEVER;
});

export const authOptions = {
  tokenSecrets: option<string[] | undefined>({
    env: "PLEXUS_TOKEN_SECRET",
    type: tokenSecrets.optional(),
    default: undefined,
    secret: true,
    doc: "Secret that tokens are signed with (HS256), 32 characters or more; or several with commas in between, any of which is taken. Needed unless there is a JWKS or a connect hook.",
  }),
  jwksUrl: option<string | undefined>({
    env: "PLEXUS_JWKS_URL",
    type: address,
    default: undefined,
    doc: "Address of the JWKS with the public keys that tokens are signed with (RS256, ES256, EdDSA).",
  }),
  jwksMaxAgeMs: option({
    env: "PLEXUS_JWKS_MAX_AGE_MS",
    type: integer(1_000, 86_400_000),
    default: 300_000,
    doc: "Milliseconds after which keys are fetched again from a JWKS: so long a key that was removed there is accepted.",
  }),
  jwksCoolDownMs: option({
    env: "PLEXUS_JWKS_COOL_DOWN_MS",
    type: integer(100, 600_000),
    default: 30_000,
    doc: "Milliseconds between two fetches of a JWKS for tokens whose key is not known: bad tokens must not make us a burden.",
  }),
  tokenIssuer: option<string | undefined>({
    env: "PLEXUS_TOKEN_ISSUER",
    type: z.string().optional(),
    default: undefined,
    doc: "What the claim iss must be in tokens that the installation's keys sign; not asked where there is none.",
  }),
  tokenAudience: option<string | undefined>({
    env: "PLEXUS_TOKEN_AUDIENCE",
    type: z.string().optional(),
    default: undefined,
    doc: "What the claim aud of every token must name; not asked where there is none.",
  }),
  clockToleranceMs: option({
    env: "PLEXUS_CLOCK_TOLERANCE_MS",
    type: integer(0, 60_000),
    default: 5_000,
    doc: "Milliseconds by which the clocks of whoever issues tokens and of gateways may differ.",
  }),
  connectHookUrl: option<string | undefined>({
    env: "PLEXUS_CONNECT_HOOK_URL",
    type: address,
    default: undefined,
    doc: "Address that is asked about tokens that are no JWTs; without one they are refused.",
  }),
  connectHookSecret: option<string | undefined>({
    env: "PLEXUS_CONNECT_HOOK_SECRET",
    type: z.string().min(32, "at least 32 characters").optional(),
    default: undefined,
    secret: true,
    doc: "Secret that questions to the connect hook are signed with; without one they are not signed.",
  }),
  connectHookDeadlineMs: option({
    env: "PLEXUS_CONNECT_HOOK_DEADLINE_MS",
    type: integer(100, 8_000),
    default: 2_000,
    doc: "Milliseconds that the connect hook has for an answer; clients wait for it.",
  }),
  connectHookConcurrency: option({
    env: "PLEXUS_CONNECT_HOOK_CONCURRENCY",
    type: integer(1, 1_000),
    default: 32,
    doc: "Questions to the connect hook at once from this gateway; 1,000 more wait, and others are told to come again.",
  }),
  origins: option<string[]>({
    env: "PLEXUS_ORIGINS",
    type: origins,
    default: ["*"],
    doc: "Origins of web pages that may connect, as in https://chat.example, with commas in between; * is any. Others get 403. Clients that send no origin are not concerned.",
  }),
  queryTokens: option({
    env: "PLEXUS_QUERY_TOKENS",
    type: flag,
    default: false,
    doc: "Take tokens also from the address, as in /v1/connect?token=…, for clients that can't send a first frame; proxies may log addresses.",
  }),
};

export type AuthOptions = Options<typeof authOptions>;

/** What no single option can say. Throws {@link ConfigError}. */
export function checkAuthOptions({
  tokenSecrets,
  jwksUrl,
  connectHookUrl,
  demo,
}: AuthOptions & { demo: boolean }): void {
  if (tokenSecrets === undefined && jwksUrl === undefined && connectHookUrl === undefined)
    throw new ConfigError(
      "PLEXUS_TOKEN_SECRET, PLEXUS_JWKS_URL or PLEXUS_CONNECT_HOOK_URL is required: nothing says who may connect",
    );
  if (demo && tokenSecrets === undefined)
    throw new ConfigError("PLEXUS_DEMO gives tokens to anybody, and needs PLEXUS_TOKEN_SECRET to sign them");
}
