import { PlexusError } from "@plexus/protocol";

/** Throws a {@link PlexusError} where `what` is larger than it may be. */
export function assertJsonSize(value: unknown, maxBytes: number, what: string): void {
  if (Buffer.byteLength(JSON.stringify(value)) > maxBytes)
    throw new PlexusError("too_large", `${what} may be ${maxBytes} bytes of JSON`);
}
