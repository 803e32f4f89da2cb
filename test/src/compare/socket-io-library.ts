/** Socket.IO's client with its defaults, on WebSockets from the start. */
import { io, type Socket } from "socket.io-client";
import type { Address, Library, NumberedMessage } from "./crowd-types.js";

const ACKNOWLEDGED_WITHIN_MS = 10_000;

async function connected({ port }: Address): Promise<Socket> {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return socket;
}

export const socketIoLibrary: Library = {
  async listen(address, got) {
    const socket = await connected(address);
    let reconnects = 0;
    let unrecovered = 0;
    socket.on("message", ({ number }: NumberedMessage) => got(number));
    socket.on("connect", () => {
      reconnects++;
      if (!socket.recovered) unrecovered++;
    });
    return {
      get connected() {
        return socket.connected;
      },
      get reconnects() {
        return reconnects;
      },
      get toldOfGap() {
        return unrecovered;
      },
      close: () => socket.disconnect(),
    };
  },

  async speak(address) {
    const socket = await connected(address);
    return {
      publish: (message) => socket.timeout(ACKNOWLEDGED_WITHIN_MS).emitWithAck("publish", message),
      close: () => socket.disconnect(),
    };
  },
};
