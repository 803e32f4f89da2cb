/** Certificates that a process serves with. */
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { ConfigError } from "./config.js";

/** The oldest version that is spoken: what is older is broken. */
export const TLS_MIN_VERSION = "TLSv1.2";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Tls extends TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads certificate and key, and makes sure that they belong together. Undefined where neither is given. Throws
 * {@link ConfigError} with a sentence that names what is wrong.
 */
export function readTls(
  certFile: string | undefined,
  keyFile: string | undefined,
  what: string,
): Tls | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined)
    throw new ConfigError(`${what}: TLS needs both the certificate's file and the key's`);
  const [cert, key] = [certFile, keyFile].map((file) => read(file, what)) as [Buffer, Buffer];
  try {
    createSecureContext({ cert, key, minVersion: TLS_MIN_VERSION });
  } catch (error) {
    throw new ConfigError(`${what}: certificate and key can't be used: ${(error as Error).message}`);
  }
  return { certFile, keyFile, cert, key };
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${what}: ${file} can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
