import uWS, { type TemplatedApp } from "uWebSockets.js";

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
