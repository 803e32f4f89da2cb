/** Socket.IO with its Redis adapter, as its documentation sets it up: two of these share a Redis. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { answerParent } from "../../harness/child.js";

const http = createServer();

async function listen(redisUrl: string): Promise<number> {
  const publisher = new Redis(redisUrl);
  const adapter = createAdapter(publisher, publisher.duplicate());
  const server = new Server(http, { adapter, transports: ["websocket"], perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("join", async (channels: string[]) => {
      await socket.join(channels);
      socket.emit("joined");
    });
    socket.on("publish", (channel: string, data: string, acknowledge: () => void) => {
      server.to(channel).emit("message", data);
      acknowledge();
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return (http.address() as AddressInfo).port;
}

answerParent({ listen });
