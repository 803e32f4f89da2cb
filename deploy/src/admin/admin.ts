import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import {
  BotRegistry,
  checkNats,
  connectNats,
  DirectoryStore,
  type Logger,
  leaveNats,
  type NatsConnection,
  networks,
  OperationStore,
  type Options,
  Publisher,
  RevocationStore,
  Router,
  type RunningLimits,
  type Service,
  SettingsStore,
  startOpsServer,
  startTenantLimits,
  startTracing,
  type Tls,
} from "@plexus/runtime";
import { internalKeysOf } from "../bots/internal-keys.js";
import type { Policy } from "./advice/advise.js";
import { Advisor } from "./advice/advisor.js";
import { CellChanges } from "./cell-changes.js";
import { GatewayRoster } from "./gateway-roster.js";
import { Operations } from "./operations.js";
import type { adminOptions } from "./options.js";
import { buildServer } from "./server.js";
import { EventStreams } from "./sse.js";
import { StatsFeed } from "./stats/feed.js";

/** Composes the admin API: it talks to the bus, and to nothing else. */
export async function startAdmin(
  options: Options<typeof adminOptions>,
  log: Logger,
  policy: Policy,
  tls?: Tls,
): Promise<Service> {
  const instance = `admin-${randomBytes(4).toString("hex")}`;
  const nats = await connectNats(options.natsUrl, instance, log, options.natsSeedFile);
  const directory = await DirectoryStore.open(nats, log, options);
  const revocations = await RevocationStore.open(nats, log, { ...options, cleans: true });
  const bots = await BotRegistry.open(nats, log, options);
  const settingsStore = await SettingsStore.open(nats, log, options);
  const router = new Router({ nats, directory, asker: instance, log });
  const gateways = new GatewayRoster(nats, log);
  const operationStore = await OperationStore.open(nats, log, options);
  const operations = new Operations(operationStore, directory, gateways);
  const streams = new EventStreams();
  const advisor = new Advisor({ policy, directory, operations: operationStore, log });
  const stats = new StatsFeed({ nats, directory, operations, advisor, log });
  const tracing = await startTracing({ nats, options, process: { kind: "admin", id: "admin" }, log });
  const quotas = startQuotas(nats, settingsStore, instance, log);
  const server = await buildServer(
    {
      nats,
      hub: options,
      directory,
      router,
      publisher: new Publisher(router),
      tracer: tracing.tracer,
      operations,
      revocations,
      bots,
      internalKeys: internalKeysOf(options),
      gateways,
      streams,
      stats,
      advisor,
      cellChanges: new CellChanges(directory, operationStore),
      settings: settingsStore,
      tenants: quotas.limits,
      tokenSecret: options.tokenSecret,
      maxTokenLifetimeMs: options.maxTokenLifetimeMs,
      log,
    },
    { tokens: options.tokens, tls, trusted: networks(options.trustedProxies) },
  );
  await server.listen({ host: options.host, port: options.port });
  const ready = async () => ({ nats: await checkNats(nats) });
  const ops = await startOpsServer({ host: options.opsHost, port: options.opsPort, log, ready });
  const { port } = server.server.address() as AddressInfo;
  log.info({ host: options.host, port, tls: tls !== undefined, instance }, "admin API is ready");

  return {
    stop: async () => {
      streams.stop();
      await server.close();
      stats.stop();
      advisor.stop();
      gateways.stop();
      router.stop();
      revocations.stop();
      bots.stop();
      quotas.stop();
      settingsStore.stop();
      directory.stop();
      await ops.stop();
      await Promise.all([tracing.stop(), leaveNats(nats)]);
    },
  };
}

/** Quotas hold for what is published here; work is shared out between tenants by those who do it. */
function startQuotas(
  nats: NatsConnection,
  { settings }: SettingsStore,
  by: string,
  log: Logger,
): RunningLimits {
  const noShares = { fairLagMs: Number.POSITIVE_INFINITY, fairUtilization: 1, fairStarvation: 1 };
  return startTenantLimits({ nats, settings, by, ...noShares, log });
}
