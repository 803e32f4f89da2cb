/** Plexus's SDK with its defaults: it reconnects and resumes by itself. */
import { Plexus } from "@plexus/client";
import { CONNECT_PATH } from "@plexus/protocol";
import { WebSocket } from "ws";
import type { Address, Library, NumberedMessage } from "./crowd-types.js";

const CHANNEL = "chat.compare";

function clientOf({ port, token }: Address): Plexus {
  const url = `ws://127.0.0.1:${port}${CONNECT_PATH}`;
  return new Plexus({ url, token: () => Promise.resolve(token), WebSocket });
}

export const plexusLibrary: Library = {
  async listen(address, got) {
    const client = clientOf(address);
    const channel = client.channel(CHANNEL);
    let connections = 0;
    let resets = 0;
    channel.on("message", ({ data }) => got((data as NumberedMessage).number));
    channel.on("reset", () => resets++);
    client.on("state", ({ name }) => {
      if (name === "connected") connections++;
    });
    await client.connect();
    await channel.subscribe();
    return {
      get connected() {
        return client.state.name === "connected";
      },
      get reconnects() {
        return connections - 1;
      },
      get toldOfGap() {
        return resets;
      },
      close: () => void client.close(),
    };
  },

  async speak(address) {
    const client = clientOf(address);
    await client.connect();
    const channel = client.channel(CHANNEL);
    return { publish: (message) => channel.publish(message), close: () => void client.close() };
  },
};
