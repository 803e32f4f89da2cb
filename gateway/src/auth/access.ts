/** Composes who is let in, and closes the connections of those who are not any more. */
import { concerns, type Logger, type RevocationStore, type Settings } from "@plexus/runtime";
import type { Connections } from "../connections.js";
import { authenticator } from "./authenticator.js";
import { ConnectHook } from "./hook.js";
import { askJson } from "./http.js";
import type { Verify } from "./identity.js";
import { jwtVerifier } from "./jwt.js";
import { KeyRings } from "./key-ring.js";
import { KEY_SET_DEFAULTS, KeySets } from "./key-set.js";
import type { AuthOptions } from "./options.js";

export interface AccessContext {
  readonly gateway: string;
  readonly connections: Connections;
  readonly settings: Settings;
  readonly revocations: RevocationStore;
  readonly log: Logger;
}

/** How tokens are verified from now on; and open connections end as revocations and settings say. */
export function openAccess(options: AuthOptions, context: AccessContext): Verify {
  const { gateway, settings, revocations, log } = context;
  closeUnwanted(context);
  const { tokenSecrets: secrets = [], jwksUrl, jwksMaxAgeMs: maxAgeMs, jwksCoolDownMs: coolDownMs } = options;
  const keySetContext = { ask: askJson, now: () => performance.now(), log };
  const sets = new KeySets({ ...KEY_SET_DEFAULTS, maxAgeMs, coolDownMs }, keySetContext);
  const { clockToleranceMs, tokenIssuer: issuer, tokenAudience: audience } = options;
  const jwtOptions = { clockToleranceMs, issuer, audience };
  const jwt = jwtVerifier(new KeyRings(settings, { secrets, jwksUrl }, sets, log), jwtOptions);
  const hook = hookOf(options, gateway, log);
  return authenticator({ jwt, hook: hook?.verify, settings, revocations: revocations.list });
}

function hookOf(options: AuthOptions, gateway: string, log: Logger): ConnectHook | undefined {
  const { connectHookUrl: url, connectHookSecret: secret } = options;
  const { connectHookDeadlineMs: deadlineMs, connectHookConcurrency: concurrency } = options;
  if (url === undefined) return undefined;
  return new ConnectHook(
    { url, secret, deadlineMs, concurrency, gateway },
    { ask: askJson, now: () => Date.now(), log },
  );
}

/** A revoked token's connections end, and those of a tenant that may not use the installation any more. */
function closeUnwanted({ connections, settings, revocations }: AccessContext): void {
  revocations.onRevoked((revocation) => {
    for (const connection of connections.all())
      if (connection.isWelcome && concerns(revocation, connection.identity)) connection.close("unauthorized");
  });
  settings.onChange((tenant) => {
    for (const connection of connections.all()) {
      if (!connection.isWelcome) continue;
      const { tenant: own } = connection.identity;
      if ((tenant === null || tenant === own) && !settings.tenant(own).admitted)
        connection.close("suspended");
    }
  });
}
