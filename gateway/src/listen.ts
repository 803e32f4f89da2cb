import uWS, { type TemplatedApp } from "uWebSockets.js";
import type { Options } from "@plexus/runtime";
import { tlsOf, type tlsOptions } from "./tls.js";

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
