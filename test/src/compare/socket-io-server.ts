/**
 * A Socket.IO server as its documentation sets it up: connection state recovery on, with its defaults (2 minutes,
 * middlewares skipped), everybody in one room. The adapter is the one in memory: its best case, since nothing else is
 * as quick, and no server dies here.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { answerParent } from "../harness/child.js";
import type { NumberedMessage } from "./crowd-types.js";

const ROOM = "compare";

const http = createServer();
const server = new Server(http, { connectionStateRecovery: {}, transports: ["websocket"] });
server.on("connection", (socket) => {
  // What was recovered is in its rooms already.
  if (!socket.recovered) void socket.join(ROOM);
  socket.on("publish", (message: NumberedMessage, acknowledge: () => void) => {
    server.to(ROOM).emit("message", message);
    acknowledge();
  });
});

answerParent({
  listen: async (): Promise<number> => {
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return (http.address() as AddressInfo).port;
  },
});
