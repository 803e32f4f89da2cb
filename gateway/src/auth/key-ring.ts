import type { Logger, Settings, TenantKey } from "@plexus/runtime";
import type { KeySet, KeySets } from "./key-set.js";
import {
  fitting,
  isPublicAlgorithm,
  publicKey,
  secretKey,
  type TokenHeader,
  type VerificationKey,
} from "./keys.js";

/** All that one tenant's tokens may be signed with, and nothing that another's may. */
export class KeyRing {
  readonly #fixed: readonly VerificationKey[];
  readonly #sets: () => readonly KeySet[];
  /** Whether these are the installation's keys, which all tenants without keys of their own share. */
  readonly isShared: boolean;

  constructor(fixed: readonly VerificationKey[], sets: () => readonly KeySet[], isShared: boolean) {
    this.#fixed = fixed;
    this.#sets = sets;
    this.isShared = isShared;
  }

  /** The keys that a token with this header may be signed with. */
  async fitting(header: TokenHeader): Promise<VerificationKey[]> {
    const fetched = await Promise.all(this.#setsFor(header).map((set) => set.keys()));
    return fitting([...this.#fixed, ...fetched.flat()], header);
  }

  /** Looks whether issuers have new keys by now; false where none has been asked or none answers. */
  async lookAgain(header: TokenHeader): Promise<boolean> {
    const looked = await Promise.all(this.#setsFor(header).map((set) => set.again()));
    return looked.includes(true);
  }

  /** Whether a key that is missing may only be out of reach. */
  isAway(header: TokenHeader): boolean {
    return this.#setsFor(header).some((set) => set.isAway);
  }

  /** No JWKS brings secrets. */
  #setsFor(header: TokenHeader): readonly KeySet[] {
    return isPublicAlgorithm(header.alg) ? this.#sets() : [];
  }
}

export interface InstallationKeys {
  readonly secrets: readonly string[];
  readonly jwksUrl?: string | undefined;
}

/** Which ring a tenant's tokens are checked with: its own, or the installation's where it has none. */
export class KeyRings {
  readonly #settings: Settings;
  readonly #sets: KeySets;
  readonly #installation: KeyRing;
  readonly #log: Logger;
  /** By the keys as they stand in the settings: when these change, it is another array. */
  readonly #own = new WeakMap<readonly TenantKey[], Promise<KeyRing>>();

  constructor(settings: Settings, installation: InstallationKeys, sets: KeySets, log: Logger) {
    this.#log = log;
    this.#settings = settings;
    this.#sets = sets;
    const { secrets, jwksUrl } = installation;
    const fixed = secrets.map((secret) => secretKey(secret));
    this.#installation = new KeyRing(fixed, () => (jwksUrl === undefined ? [] : [sets.get(jwksUrl)]), true);
  }

  async of(tenant: string): Promise<KeyRing> {
    const { keys } = this.#settings.tenant(tenant);
    if (keys === undefined) return this.#installation;
    let ring = this.#own.get(keys);
    if (ring === undefined) {
      ring = this.#ringOf(tenant, keys);
      this.#own.set(keys, ring);
    }
    return ring;
  }

  async #ringOf(tenant: string, keys: readonly TenantKey[]): Promise<KeyRing> {
    const fixed = await Promise.all(
      keys.map((key) => {
        if ("secret" in key) return secretKey(key.secret, key.kid);
        return "jwk" in key ? publicKey(key.jwk) : undefined;
      }),
    );
    const urls = keys.flatMap((key) => ("jwks" in key ? [key.jwks] : []));
    const usable = fixed.filter((key) => key !== undefined);
    const unusable = keys.length - usable.length - urls.length;
    if (unusable > 0)
      this.#log.warn({ tenant, unusable }, "keys of a tenant can't be used: of no kind that is taken");
    return new KeyRing(usable, () => urls.map((url) => this.#sets.get(url)), false);
  }
}
