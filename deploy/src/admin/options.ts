import {
  commonOptions,
  flag,
  integer,
  MAX_REVOCATION_MS,
  option,
  tokenSecrets,
  tracingOptions,
  trustedProxies,
} from "@plexus/runtime";
import { z } from "zod";
import { isUserKey } from "../bots/keys.js";
import { adviceOptions } from "./advice/options.js";
import { parseTokens } from "./auth.js";

const publicKeys = z.string().transform((text, context) => {
  const keys = text.split(",").map((key) => key.trim());
  if (keys.every(isUserKey)) return keys;
  context.addIssue({ code: "custom", message: "must be public nkeys of users (U…) with commas in between" });
  return z.NEVER;
});

export const adminOptions = {
  ...commonOptions,
  ...tracingOptions,
  ...adviceOptions,
  host: option({
    env: "PLEXUS_ADMIN_HOST",
    type: z.string(),
    default: "127.0.0.1",
    doc: "Address that the admin API listens on; loopback by default. Any other one is refused without TLS, see PLEXUS_ADMIN_INSECURE.",
  }),
  port: option({
    env: "PLEXUS_ADMIN_PORT",
    type: integer(0, 65535),
    default: 9080,
    doc: "Port of the admin API; 0 takes a free one and logs it.",
  }),
  tlsCertFile: option<string | undefined>({
    env: "PLEXUS_ADMIN_TLS_CERT_FILE",
    type: z.string().optional(),
    default: undefined,
    doc: "File with the certificate (PEM, with its chain); with it the admin API speaks HTTPS, TLS 1.2 or newer. Read once, at the start.",
  }),
  tlsKeyFile: option<string | undefined>({
    env: "PLEXUS_ADMIN_TLS_KEY_FILE",
    type: z.string().optional(),
    default: undefined,
    doc: "File with the certificate's private key (PEM).",
  }),
  insecure: option({
    env: "PLEXUS_ADMIN_INSECURE",
    type: flag,
    default: false,
    doc: "Listen on other addresses than loopback without TLS, as in a private network behind a proxy that has it.",
  }),
  trustedProxies,
  tokens: option({
    env: "PLEXUS_ADMIN_TOKEN",
    type: z.string().transform((text, context) => {
      const tokens = parseTokens(text);
      if (typeof tokens !== "string") return tokens;
      context.addIssue({ code: "custom", message: tokens });
      return z.NEVER;
    }),
    secret: true,
    doc: "Bearer token of the admin API, 32 characters or more; or several as name:token or name:role:token with commas in between, whose names the audit log shows. The role is read (every GET) or operate (everything, the default).",
  }),
  tokenSecret: option<string | undefined>({
    env: "PLEXUS_TOKEN_SECRET",
    type: tokenSecrets.transform(([first]) => first),
    default: undefined,
    secret: true,
    doc: "Secret that clients' tokens are signed with (HS256); of several with commas in between, the first. With it the admin API can make such tokens; without, it can't.",
  }),
  internalNatsKeys: option({
    env: "PLEXUS_NATS_INTERNAL_NKEYS",
    type: publicKeys,
    default: [],
    doc: "Public nkeys of internal processes, with commas in between, for the broker configuration that is made for bots; the one that the admin API logs in with is always among them.",
  }),
  maxTokenLifetimeMs: option({
    env: "PLEXUS_MAX_TOKEN_LIFETIME_MS",
    type: integer(1_000, MAX_REVOCATION_MS),
    default: MAX_REVOCATION_MS,
    doc: "Milliseconds that no client's token outlives: so long a revocation is remembered that does not say how long.",
  }),
};
