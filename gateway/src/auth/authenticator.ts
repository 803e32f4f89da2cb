/** Whether a token is believed: which kind it is, who vouches for it, and what speaks against it all the same. */
import { PlexusError } from "@plexus/protocol";
import type { RevocationList, Settings } from "@plexus/runtime";
import { type Identity, unauthorized, type Verify } from "./identity.js";
import { isJwt } from "./jwt.js";
import * as metrics from "./metrics.js";

export interface AuthenticatorContext {
  readonly jwt: Verify;
  /** For tokens that are no JWTs. */
  readonly hook?: Verify | undefined;
  readonly settings: Settings;
  readonly revocations: RevocationList;
}

export function authenticator({ jwt, hook, settings, revocations }: AuthenticatorContext): Verify {
  /** Asked anew each time, and in the turn in which the token is believed, whatever was remembered. */
  const admitted = (identity: Identity): Identity => {
    if (revocations.isRevoked(identity)) throw unauthorized("the token has been revoked");
    if (!settings.tenant(identity.tenant).admitted)
      throw new PlexusError("forbidden", "the tenant may not use this installation");
    return identity;
  };
  return async (token, caller) => {
    const kind = hook === undefined || isJwt(token) ? "jwt" : "hook";
    try {
      const identity = kind === "hook" ? await hook!(token, caller) : await jwt(token, caller);
      // The hook speaks for the installation, and a tenant with keys of its own does not trust that.
      if (kind === "hook" && settings.tenant(identity.tenant).keys !== undefined)
        throw unauthorized("the token's tenant has keys of its own");
      const result = admitted(identity);
      metrics.authentications.inc({ kind, outcome: "ok" });
      return result;
    } catch (error) {
      const outcome = error instanceof PlexusError ? error.code : "internal";
      metrics.authentications.inc({ kind, outcome });
      throw error;
    }
  };
}
