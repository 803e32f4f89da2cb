import uWS, { type TemplatedApp } from "uWebSockets.js";
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

/** With TLS where a certificate is given. uWebSockets speaks TLS 1.2 or newer by itself. */
export function newApp(options: Options<typeof tlsOptions>): TemplatedApp {
  const tls = tlsOf(options);
  if (tls === undefined) return uWS.App();
  try {
    return uWS.SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile });
  } catch (cause) {
    // It says no more than that, and is stricter than Node, which has found nothing wrong with them.
    throw new Error(`uWebSockets can't serve with ${tls.certFile} and ${tls.keyFile}`, { cause });
  }
}

/** Resolves once the port is open, to the function that closes it, which may be called more than once. */
export function listen(app: TemplatedApp, host: string, port: number): Promise<() => void> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, (socket) => {
      if (!socket) return reject(new Error(`cannot listen on ${host}:${port}`));
      let open = true;
      resolve(() => {
        // A second close would be one of memory that is somebody else's by then.
        if (open) uWS.us_listen_socket_close(socket);
        open = false;
      });
    });
  });
}
