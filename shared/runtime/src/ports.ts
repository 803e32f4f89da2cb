/** Ports of this machine for processes that are about to be started. */
import { createSocket, type Socket } from "node:dgram";
import { createServer } from "node:net";

// Below the ranges from which operating systems take ports for outgoing connections (32768 and up on Linux, 49152
// elsewhere), so that a port chosen here is not taken by somebody's connection before its owner listens on it.
const FIRST_PORT = 20_000;
const PORTS = 12_000;
// Processes that start at the same moment look in different places.
const PORTS_PER_PROCESS = 40;

let next = (process.pid * PORTS_PER_PROCESS) % PORTS;

/** What keeps the ports that were given out. */
const reservations: Socket[] = [];

/**
 * A port of 127.0.0.1 on which nobody listens. As long as this process lives no other one gets it, also while whoever it
 * was for is being started again: it is reserved by a UDP socket of the same number, which ends with this process.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS; tried++) {
    const port = FIRST_PORT + next;
    next = (next + 1) % PORTS;
    const reservation = await reserve(port);
    if (reservation === null) continue;
    if (await isPortFree("127.0.0.1", port)) {
      reservations.push(reservation);
      return port;
    }
    reservation.close();
  }
  throw new Error(`No free port between ${FIRST_PORT} and ${FIRST_PORT + PORTS - 1}`);
}

/** null where another process has it. */
function reserve(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => {
      socket.close();
      resolve(null);
    });
    socket.bind({ address: "127.0.0.1", port, exclusive: true }, () => resolve(socket.unref()));
  });
}

/** Whether it can be listened on; rejects where that fails for another reason than that somebody does. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
