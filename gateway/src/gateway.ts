import uWS, { type us_listen_socket } from "uWebSockets.js";
import { randomBytes } from "node:crypto";
import { type Limits, subjects } from "@plexus/protocol";
import {
  checkNats,
  connectNats,
  DirectoryStore,
  type Logger,
  type Options,
  Publisher,
  Router,
  type Service,
  Settings,
  startOpsServer,
} from "@plexus/runtime";
import { verifier } from "./auth.js";
import { Connections } from "./connections.js";
import { serveDemo } from "./demo.js";
import { FanOut } from "./fan-out.js";
import { LeaseHolder } from "./lease-holder.js";
import { Operations } from "./operations.js";
import type { gatewayOptions } from "./options.js";
import { Relays } from "./relays.js";
import { serveConnections } from "./server.js";
import { Sessions } from "./session.js";

const MAX_REWIND = 1_000;
const MAX_HISTORY = 200;
const MAX_RELAYS = 500_000;
const DRAIN_DEADLINE_MS = 3_000;

/** Composes a gateway. */
export async function startGateway(options: Options<typeof gatewayOptions>, log: Logger): Promise<Service> {
  // A gateway that comes back is another one: what the first one left behind must still end with its lease.
  const instance = `${options.gatewayId}-${randomBytes(4).toString("hex")}`;
  const nats = await connectNats(options.natsUrl, `gateway ${instance}`, log);
  const directory = await DirectoryStore.open(nats, log);
  const router = new Router({ nats, directory, asker: instance, log });
  const settings = Settings.fromFile(options.settingsFile);
  const app = uWS.App();
  const fanOut = new FanOut(app);
  const relays = new Relays({ nats, router, fanOut, settings, gateway: instance, log }, MAX_RELAYS);
  const connections = new Connections(instance, options);
  const limits: Limits = {
    frameBytes: options.maxFrameBytes,
    batch: options.maxBatch,
    channels: options.maxChannels,
    rewind: MAX_REWIND,
    history: MAX_HISTORY,
    inFlight: options.maxInFlight,
  };
  const verify = verifier(options.tokenSecret);
  const publisher = new Publisher(router);
  const { flushLater } = connections;
  const operations = new Operations({
    nats,
    router,
    publisher,
    relays,
    settings,
    verify,
    limits,
    flushLater,
  });
  const { gatewayId: gateway, pingMs } = options;
  const sessions = new Sessions({ operations, verify, limits, gateway, pingMs, log });
  serveConnections(app, { options, connections, sessions, log });
  if (options.demo) serveDemo(app, options.tokenSecret);
  app.any("/*", (response) => {
    response.writeStatus("404 Not Found").end("not found\n");
  });
  const leases = new LeaseHolder({ nats, directory, relays, gateway: instance, log });
  const listenSocket = await listen(app, options.host, options.port);
  const ops = await startOpsServer({
    host: options.opsHost,
    port: options.opsPort,
    log,
    ready: async () => ({
      nats: await checkNats(nats),
      cells: await checkCells(directory, nats),
      draining: connections.draining ? "is draining" : undefined,
    }),
  });
  log.info({ host: options.host, port: options.port, instance }, "gateway is ready");

  return {
    stop: async () => {
      uWS.us_listen_socket_close(listenSocket);
      await connections.drain(DRAIN_DEADLINE_MS);
      await settled(relays);
      leases.stop();
      relays.stop();
      connections.stop();
      router.stop();
      directory.stop();
      await ops.stop();
      app.close();
      await nats.drain();
    },
  };
}

function listen(app: uWS.TemplatedApp, host: string, port: number): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, (socket) => {
      if (socket) resolve(socket);
      else reject(new Error(`cannot listen on ${host}:${port}`));
    });
  });
}

/** At least one active cell has to answer. */
async function checkCells(
  directory: DirectoryStore,
  nats: Awaited<ReturnType<typeof connectNats>>,
): Promise<string | undefined> {
  const active = directory.current.cells.filter((cell) => cell.state === "active");
  if (active.length === 0) return "the directory lists no active cell";
  const answers = active.map(({ id }) => nats.request(subjects.ping(id), "", { timeout: 1_000 }));
  return Promise.any(answers).then(
    () => undefined,
    () => "no cell answers",
  );
}

/** Lets the good-byes of members reach their actors. */
async function settled(relays: Relays): Promise<void> {
  const deadlineAt = Date.now() + DRAIN_DEADLINE_MS;
  const waits = () => [...relays.all()].some((relay) => !relay.announcer.settled);
  while (waits() && Date.now() < deadlineAt) await new Promise((resolve) => setTimeout(resolve, 20));
}
