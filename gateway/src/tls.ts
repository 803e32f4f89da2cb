import { type Options, option, readTls, type Tls } from "@plexus/runtime";
import { z } from "zod";

export const tlsOptions = {
  tlsCertFile: option<string | undefined>({
    env: "PLEXUS_TLS_CERT_FILE",
    type: z.string().optional(),
    default: undefined,
    doc: "File with the certificate (PEM, with its chain); with it the gateway speaks HTTPS and wss, TLS 1.2 or newer. Read once, at the start.",
  }),
  tlsKeyFile: option<string | undefined>({
    env: "PLEXUS_TLS_KEY_FILE",
    type: z.string().optional(),
    default: undefined,
    doc: "File with the certificate's private key (PEM).",
  }),
};

/** The certificate, if any. Throws {@link ConfigError} where it can't be used. */
export function tlsOf(options: Options<typeof tlsOptions>): Tls | undefined {
  return readTls(options.tlsCertFile, options.tlsKeyFile, "PLEXUS_TLS_CERT_FILE, …_KEY_FILE");
}
