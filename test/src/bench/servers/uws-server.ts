/** uWebSockets alone: topics and nothing else. What a gateway could do at most. */
import uWS, { type us_listen_socket } from "uWebSockets.js";
import { answerParent } from "../../harness/child.js";
import "./heap-probe.js";

const SUBSCRIBE = 0x73;
const PUBLISH = 0x70;
const READY = 0x72;
const ECHO = 0x65;
const MAX_BACKPRESSURE = 64 * 1024 * 1024;

const app = uWS.App();
let waiting: Buffer[] = [];

/**
 * Once for all of a turn, outside of the handlers: inside of one, what is sent to a subscriber beyond 32 messages costs a
 * system call each, which made this server a tenth as fast.
 */
function publishLater(message: Buffer): void {
  if (waiting.push(message) > 1) return;
  setImmediate(() => {
    const messages = waiting;
    waiting = [];
    for (const bytes of messages)
      app.publish(bytes.subarray(1, bytes.indexOf(0x20)).toString("latin1"), bytes, false);
  });
}

app.ws("/*", {
  compression: uWS.DISABLED,
  maxPayloadLength: 65_536,
  maxBackpressure: MAX_BACKPRESSURE,
  idleTimeout: 0,
  sendPingsAutomatically: false,
  message: (socket, message) => {
    const bytes = Buffer.from(message);
    switch (bytes[0]) {
      case SUBSCRIBE:
        socket.subscribe(bytes.subarray(1).toString("latin1"));
        return;
      case PUBLISH:
        publishLater(Buffer.from(bytes));
        socket.send("a", false);
        return;
      case ECHO:
        socket.send(bytes, false);
        return;
      case READY:
        socket.send("ready", false);
    }
  },
});

answerParent({
  listen: () =>
    new Promise<number>((resolve) => {
      app.listen("127.0.0.1", 0, (token: us_listen_socket | false) =>
        resolve(token ? uWS.us_socket_local_port(token) : 0),
      );
    }),
});
