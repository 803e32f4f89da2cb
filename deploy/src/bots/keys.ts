/** The nkeys of bots and of internal processes: the broker knows public keys only, seeds stay with who logs in. */
import { createUser, fromPublic, fromSeed } from "@nats-io/nkeys";
import { PlexusError } from "@plexus/protocol";

export interface KeyPair {
  readonly publicKey: string;
  /** Whoever has it is the bot. */
  readonly seed: string;
}

export function newKeyPair(): KeyPair {
  const user = createUser();
  return { publicKey: user.getPublicKey(), seed: new TextDecoder().decode(user.getSeed()) };
}

export function publicKeyOf(seed: string): string {
  return fromSeed(new TextEncoder().encode(seed)).getPublicKey();
}

/** Whether it is the public nkey of a user, checksum included. */
export function isUserKey(text: string): boolean {
  if (!/^U[A-Z2-7]{55}$/.test(text)) return false;
  try {
    return fromPublic(text).getPublicKey() === text;
  } catch {
    // The library says so of what is none.
    return false;
  }
}

export function checkedUserKey(text: string): string {
  if (!isUserKey(text))
    throw new PlexusError("bad_request", "publicKey must be the public nkey of a user (U…)");
  return text;
}
