import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_socket_context_t,
} from "uWebSockets.js";
import { CONNECT_PATH, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from "@plexus/protocol";
import type { Logger, Options } from "@plexus/runtime";
import { AddressGuard } from "./address-guard.js";
import { isOriginAllowed } from "./auth/origins.js";
import { queryTokenOf } from "./auth/query-token.js";
import { Connection, type Socket, type SocketData } from "./connection.js";
import type { Connections } from "./connections.js";
import type { Encoding } from "./fan-out.js";
import * as metrics from "./metrics.js";
import type { gatewayOptions } from "./options.js";
import type { Sessions } from "./session.js";
import { writeHeaders } from "./static-files.js";

/** uWebSockets wants a multiple of 4 seconds, 960 at most. */
function idleTimeoutS(pingMs: number): number {
  return Math.min(960, Math.max(8, Math.ceil((pingMs * 2.25) / 4_000) * 4));
}

/** uWebSockets cuts the connection without a word at its own bound; up to there the client is told why. */
const OVERSIZE_FACTOR = 2;
/** RFC 6455, section 7.4.1: message too big. */
const TOO_LARGE = 1009;

/** RFC 6455, section 4.2.2: what is wanted in place of another version, or of no WebSocket at all. */
const WEBSOCKET_WANTED = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
/** For people who try the address with curl or a browser first. */
const WHAT_TO_DO = `A WebSocket is wanted here: connect with a WebSocket client, to this address with ws:// or wss://
in place of http:// or https://. Its first message is a "hello" with a token.
`;

/** The WebSocket endpoint: upgrade, and events handed on to the sessions. */
export function serveConnections(
  app: TemplatedApp,
  context: {
    options: Options<typeof gatewayOptions>;
    connections: Connections;
    sessions: Sessions;
    log: Logger;
  },
): void {
  const { options, connections, sessions, log } = context;
  const guard = new AddressGuard(options);
  app.ws<SocketData>(CONNECT_PATH, {
    // Without a window of its own for each connection: those take 3 KB and more, and clients may ask for 32.
    compression:
      options.compressFromBytes === undefined
        ? uWS.DISABLED
        : uWS.SHARED_COMPRESSOR | uWS.SHARED_DECOMPRESSOR,
    maxPayloadLength: options.maxFrameBytes * OVERSIZE_FACTOR,
    maxBackpressure: options.maxBackpressureBytes,
    closeOnBackpressureLimit: true,
    idleTimeout: idleTimeoutS(options.pingMs),
    sendPingsAutomatically: true,
    maxLifetime: 0,
    upgrade: (response, request, socketContext) =>
      upgrade(response, request, socketContext, { connections, guard, options }),
    open: (socket) => {
      const { connection } = socket.getUserData();
      connection.attach(socket);
      connections.add(connection);
    },
    message: (socket, message, isBinary) => {
      metrics.bytesIn.add(message.byteLength);
      if (message.byteLength > options.maxFrameBytes) return socket.end(TOO_LARGE, "message too large");
      const { connection } = socket.getUserData();
      try {
        sessions.receive(connection, message, isBinary);
      } catch (error) {
        log.error({ err: error, ...connection.named }, "message handler failed");
        connection.close("gateway_error", { min: 0, max: 2_000 });
      }
    },
    drain: (socket: Socket) => socket.getUserData().connection.onDrain(),
    close: (socket, code) => {
      const { connection } = socket.getUserData();
      metrics.closed.inc({ code: String(code) });
      connection.detach();
      connections.remove(connection);
      guard.closed(connection);
      sessions.closed(connection, code);
    },
  });
  app.get(CONNECT_PATH, answerPlainRequest);
}

/** What uWebSockets does not take for an upgrade: a request without a key, or with one that can't be one. */
function answerPlainRequest(response: HttpResponse, request: HttpRequest): void {
  const wantsWebSocket = speaksWebSocket(request);
  response.cork(() => {
    response.writeStatus(wantsWebSocket ? "400 Bad Request" : "426 Upgrade Required");
    const headers: Record<string, string> = wantsWebSocket ? {} : WEBSOCKET_WANTED;
    for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value);
    writeHeaders(response, "text/plain; charset=utf-8");
    response.end(wantsWebSocket ? "the key of the handshake is missing or malformed\n" : WHAT_TO_DO);
  });
}

/** Seconds, at random: those who were refused together do not come back together. */
const COME_AGAIN_WITHIN_S = 4;

function comeAgain(afterS = 1): Record<string, string> {
  return { "retry-after": String(afterS + Math.floor(Math.random() * COME_AGAIN_WITHIN_S)) };
}

/** uWebSockets looks at the key only. */
function speaksWebSocket(request: HttpRequest): boolean {
  return (
    request.getHeader("upgrade").toLowerCase() === "websocket" &&
    request.getHeader("sec-websocket-version") === "13"
  );
}

function upgrade(
  response: HttpResponse,
  request: HttpRequest,
  socketContext: us_socket_context_t,
  context: { connections: Connections; guard: AddressGuard; options: Options<typeof gatewayOptions> },
): void {
  const { connections, guard, options } = context;
  const refuse = (status: string, reason: string, headers: Record<string, string> = {}) => {
    metrics.refusedConnections.add(reason);
    response.cork(() => {
      response.writeStatus(status);
      for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value);
      response.end(reason);
    });
  };
  if (!speaksWebSocket(request)) return refuse("426 Upgrade Required", "version", WEBSOCKET_WANTED);
  if (!isOriginAllowed(options.origins, request.getHeader("origin")))
    return refuse("403 Forbidden", "origin");
  // Before the gateway's own bounds, for which somebody else may have to go.
  const address = guard.addressOf(response, request);
  const tooMany = guard.refusal(address, performance.now());
  if (tooMany !== null) return refuse(tooMany.status, tooMany.reason, comeAgain(tooMany.retryAfterS));
  const refusal = connections.refusal(Date.now());
  if (refusal !== null) return refuse("503 Service Unavailable", refusal, comeAgain());
  const offered = request
    .getHeader("sec-websocket-protocol")
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "");
  const protocol = offered.find((name) => name === SUBPROTOCOL_JSON || name === SUBPROTOCOL_MSGPACK);
  if (protocol === undefined && offered.length > 0) return refuse("400 Bad Request", "subprotocol");
  const encoding: Encoding = protocol === SUBPROTOCOL_MSGPACK ? "msgpack" : "json";
  const connection = new Connection(connections.nextId(), encoding, Date.now(), options.compressFromBytes);
  connection.queryToken = queryTokenOf(request, options.queryTokens);
  if (address !== null) connection.address = address;
  guard.opened(connection);
  response.upgrade<SocketData>(
    { connection },
    request.getHeader("sec-websocket-key"),
    protocol ?? "",
    request.getHeader("sec-websocket-extensions"),
    socketContext,
  );
}
