/** Who can reach the admin API, and whether what is said there can be overheard. */
import { ConfigError, isLoopback, readTls, type Tls } from "@plexus/runtime";

/**
 * The certificate to serve with, if any. Throws {@link ConfigError} where tokens would cross a network in clear text
 * and nobody has said that this is meant.
 */
export function exposure(options: {
  host: string;
  tlsCertFile: string | undefined;
  tlsKeyFile: string | undefined;
  insecure: boolean;
}): Tls | undefined {
  const tls = readTls(options.tlsCertFile, options.tlsKeyFile, "PLEXUS_ADMIN_TLS_CERT_FILE, …_KEY_FILE");
  const isLocal = options.host === "localhost" || isLoopback(options.host);
  if (tls === undefined && !isLocal && !options.insecure)
    throw new ConfigError(
      `PLEXUS_ADMIN_HOST: ${options.host} can be reached from other machines, and without TLS whoever listens there has the token. Give PLEXUS_ADMIN_TLS_CERT_FILE and PLEXUS_ADMIN_TLS_KEY_FILE, or listen on 127.0.0.1 behind a proxy with TLS; PLEXUS_ADMIN_INSECURE=true allows it all the same.`,
    );
  return tls;
}
