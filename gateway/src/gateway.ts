import { randomBytes } from "node:crypto";
import { type Limits, subjects } from "@plexus/protocol";
import {
  bound,
  checkNats,
  connectivity,
  connectNats,
  DirectoryStore,
  type Logger,
  leaveNats,
  type NatsConnection,
  type Options,
  Publisher,
  patiently,
  type Readiness,
  RevocationStore,
  Router,
  type Service,
  SettingsStore,
  startOpsServer,
  startTenantLimits,
  startTracing,
  type Tracing,
} from "@plexus/runtime";
import { openAccess } from "./auth/access.js";
import { Connections } from "./connections.js";
import { Control } from "./control.js";
import { serveDemo } from "./demo.js";
import { type DrainOptions, drainToStop, type StopOptions } from "./drain.js";
import { FanOut } from "./fan-out.js";
import { LeaseHolder } from "./lease-holder.js";
import { Lifecycle } from "./lifecycle/lifecycle.js";
import { listen, newApp } from "./listen.js";
import { sayGatewayLoad } from "./load.js";
import { Operations } from "./operations.js";
import type { gatewayOptions } from "./options.js";
import { PageReader } from "./page-reader.js";
import { ratesOf } from "./rate-options.js";
import { Relays } from "./relays.js";
import { serveConnections } from "./server.js";
import { Sessions } from "./session.js";
import { serveNothingElse } from "./static-files.js";

const MAX_REWIND = 1_000;
const MAX_HISTORY = 200;
const MAX_RELAYS = 500_000;
const DRAIN_DEADLINE_MS = 3_000;

/** Composes a gateway. */
export async function startGateway(options: Options<typeof gatewayOptions>, log: Logger): Promise<Service> {
  // A gateway that comes back is another one: what the first one left behind must still end with its lease.
  const instance = `${options.gatewayId}-${randomBytes(4).toString("hex")}`;
  const nats = await connectNats(options.natsUrl, `gateway ${instance}`, log, options.natsSeedFile);
  const directory = await patiently("directory", () => DirectoryStore.open(nats, log, options), log);
  const router = new Router({ nats, directory, asker: instance, log });
  const settingsStore = await patiently("settings", () => SettingsStore.open(nats, log, options), log);
  const { settings } = settingsStore;
  const tenantLimits = startTenantLimits({ ...options, nats, settings, by: instance, log });
  const { limits: tenants } = tenantLimits;
  const app = newApp(options);
  const fanOut = new FanOut(app);
  const { tracer, stop: stopTracing } = await openTracing(nats, options, log);
  const seen = { nats, router, directory, fanOut, settings, tenants, tracer, gateway: instance, log };
  const relays = new Relays(seen, MAX_RELAYS);
  sayBounds(options);
  directory.onChange(() => relays.homesChanged());
  const rates = ratesOf(options);
  const connections = new Connections(instance, { ...options, rates });
  const { lifecycleBuffer: buffer, rosterMs } = options;
  const lifecycle = new Lifecycle({ nats, settings, connections, instance, buffer, rosterMs, log });
  const limits = limitsOf(options);
  const revocations = await patiently("revocations", () => RevocationStore.open(nats, log, options), log);
  const verify = openAccess(options, { gateway: options.gatewayId, connections, settings, revocations, log });
  const publisher = new Publisher(router);
  const { flushLater } = connections;
  const bus = connectivity(nats);
  const pages = new PageReader(router);
  const shared = { verify, limits, lifecycle, tenants, tracer };
  const asked = { nats, bus, router, pages, publisher, relays, settings, flushLater, ...shared };
  const operations = new Operations(asked);
  const { gatewayId: gateway, pingMs, maxReads } = options;
  const sessions = new Sessions({ operations, ...shared, gateway, pingMs, maxReads, rates, log });
  serveConnections(app, { options, connections, sessions, log });
  if (options.demo) serveDemo(app, options.tokenSecrets![0]!);
  serveNothingElse(app);
  const leases = new LeaseHolder({ nats, directory, relays, gateway: instance, log });
  const stopListening = await listen(app, options.host, options.port);
  const drainOptions = drainOptionsOf(options);
  const self = { gateway, instance, connections, relays, drainOptions, stopListening };
  const control = new Control({ nats, log, hub: options, ...self });
  const { opsHost, opsPort, maxConnections } = options;
  const stopLoad = sayGatewayLoad({ nats, gateway, instance, connections, maxConnections, tenants, log });
  const ready = readiness(nats, directory, connections);
  const ops = await startOpsServer({ host: opsHost, port: opsPort, log, ready });
  log.info({ host: options.host, port: options.port, instance }, "gateway is ready");

  return {
    stop: async () => {
      stopListening();
      await drainToStop(connections, stopOptionsOf(options), log);
      // Last words to a bus that may hang: side by side they wait for it but once.
      await Promise.all([control.stop(), settled(relays), lifecycle.stop()]);
      leases.stop();
      relays.stop();
      connections.stop();
      router.stop();
      directory.stop();
      revocations.stop();
      tenantLimits.stop();
      stopLoad();
      settingsStore.stop();
      await ops.stop();
      app.close();
      await Promise.all([stopTracing(), leaveNats(nats)]);
    },
  };
}

function sayBounds({ maxConnections }: Options<typeof gatewayOptions>): void {
  bound.set({ bound: "relays" }, MAX_RELAYS);
  bound.set({ bound: "connections" }, maxConnections);
}

function openTracing(
  nats: NatsConnection,
  options: Options<typeof gatewayOptions>,
  log: Logger,
): Promise<Tracing> {
  return startTracing({ nats, options, process: { kind: "gateway", id: options.gatewayId }, log });
}

function readiness(nats: NatsConnection, directory: DirectoryStore, connections: Connections): Readiness {
  return async () => ({
    nats: await checkNats(nats),
    cells: await checkCells(directory, nats),
    draining: connections.draining ? "is draining" : undefined,
  });
}

function drainOptionsOf({ drainPerSecond, drainGraceMs }: Options<typeof gatewayOptions>): DrainOptions {
  return { perSecond: drainPerSecond, graceMs: drainGraceMs, reconnectWithinMs: drainGraceMs / 3 };
}

function stopOptionsOf(options: Options<typeof gatewayOptions>): StopOptions {
  const { drainPerSecond: perSecond, stopGraceMs: graceMs, stopWithinMs: withinMs } = options;
  return { perSecond, graceMs, withinMs };
}

function limitsOf(options: Options<typeof gatewayOptions>): Limits {
  return {
    frameBytes: options.maxFrameBytes,
    batch: options.maxBatch,
    channels: options.maxChannels,
    rewind: MAX_REWIND,
    history: MAX_HISTORY,
    inFlight: options.maxInFlight,
  };
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
  const deadlineAt = performance.now() + DRAIN_DEADLINE_MS;
  const waits = () => [...relays.all()].some((relay) => !relay.isAnnounced);
  while (waits() && performance.now() < deadlineAt) await new Promise((resolve) => setTimeout(resolve, 20));
}
