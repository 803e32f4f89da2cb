/** Tokens of one application mostly claim the same: connections with such tokens share what was read from the claim. */
import { Capabilities } from "@plexus/protocol";

/** Different claims that are remembered; beyond it the memory starts anew. Connections keep what they have. */
const MAX_CLAIMS = 1_000;
/** A longer claim, in characters of its JSON, is not worth its key. */
const MAX_CLAIM_LENGTH = 1_024;

export class SharedCapabilities {
  readonly #known = new Map<string, Capabilities>();

  /** Of a `caps` claim; a sentence that says what is wrong with it if it is malformed. */
  of(claim: unknown): Capabilities | string {
    const key = JSON.stringify(claim) ?? "";
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const capabilities = Capabilities.parse(claim);
    if (typeof capabilities === "string" || key.length > MAX_CLAIM_LENGTH) return capabilities;
    if (this.#known.size >= MAX_CLAIMS) this.#known.clear();
    this.#known.set(key, capabilities);
    return capabilities;
  }
}
