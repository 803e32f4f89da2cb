/** Plexus's SDK with its defaults: it reconnects and resumes by itself. */
import { Plexus, type PlexusOptions } from "@plexus/client";
import { CONNECT_PATH } from "@plexus/protocol";
import { WebSocket } from "ws";
import type { Address, Library, NumberedMessage } from "./crowd-types.js";

const CHANNEL = "chat.compare";
/**
 * The publisher sends without waiting for the message before, as Socket.IO's does: with the SDK's 1, a busy machine
 * would set the rate.
 */
const MAX_IN_FLIGHT = 100;

function clientOf({ port, token }: Address, tuning: Partial<PlexusOptions> = {}): Plexus {
  const url = `ws://127.0.0.1:${port}${CONNECT_PATH}`;
  return new Plexus({ url, token: () => Promise.resolve(token), WebSocket, ...tuning });
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
    const client = clientOf(address, { maxInFlightPerChannel: MAX_IN_FLIGHT });
    await client.connect();
    const channel = client.channel(CHANNEL);
    return { publish: (message) => channel.publish(message), close: () => void client.close() };
  },
};
