import { randomUUID } from "node:crypto";
import { subjects } from "@plexus/protocol";
import {
  answersJetStream,
  bound,
  checkNats,
  checkRedis,
  connectivity,
  connectNats,
  connectRedis,
  DirectoryStore,
  type Logger,
  leaveNats,
  type Msg,
  type NatsConnection,
  type Options,
  Publisher,
  patiently,
  type Readiness,
  type Redis,
  Router,
  type Service,
  type Settings,
  SettingsStore,
  settledSoon,
  startOpsServer,
  startTenantLimits,
  startTracing,
  subscribe,
  type TenantLimits,
  type Tracing,
  withCell,
} from "@plexus/runtime";
import type { ActorContext } from "./actor-context.js";
import { Actors } from "./actors.js";
import { BotService } from "./bots/bot-service.js";
import { BotPositions } from "./bots/positions.js";
import { breakerFor } from "./breakers.js";
import { CellLogs } from "./cell-logs.js";
import { ChannelCount } from "./channel-count.js";
import { dispatch } from "./dispatch.js";
import { GoneCells } from "./gone-cells.js";
import { JetStreamLog } from "./jetstream-log.js";
import { Leases } from "./leases.js";
import { sayWorkerLoad } from "./load.js";
import { LEADER_PARTITION, startMoving } from "./moving.js";
import type { workerOptions } from "./options.js";
import { Outbox } from "./outbox.js";
import { Partitions } from "./partitions.js";
import { placementView, stateOf } from "./placement-view.js";
import { PresenceStore } from "./presence-store.js";
import { StatusReporter } from "./status.js";

/** A cell that was asked for a channel and does not answer by then may be gone; whoever waits asks again. */
const HAND_OVER_DEADLINE_MS = 6_000;
/** Its worker may hang: the one that takes its place, after a good 2 s, has to be asked in time. */
const HAND_OVER_ATTEMPT_MS = 1_000;
const DRAIN_POLL_MS = 10;
const DRAIN_DEADLINE_MS = 5_000;
/** For all that was under way when the process was asked to end; its last words, and then some, fit in behind it. */
const LAST_WORK_MS = 9_000;

type WorkerOptions = Options<typeof workerOptions>;

/** What a worker stands on: its brokers, and what is shared through them. */
interface Ground {
  readonly nats: NatsConnection;
  readonly redis: Redis;
  readonly channelLog: JetStreamLog;
  readonly otherLogs: CellLogs;
  readonly directory: DirectoryStore;
  readonly router: Router;
  readonly settingsStore: SettingsStore;
  readonly tenants: TenantLimits;
  readonly stopLimits: () => void;
  readonly tracing: Tracing;
}

/** Connects, opens the log, and enters the cell into the directory. */
async function layGround(options: WorkerOptions, log: Logger): Promise<Ground> {
  const { cell, region, workerId } = options;
  const nats = await connectNats(options.natsUrl, `worker ${workerId}`, log, options.natsSeedFile);
  const redis = connectRedis(options.redisUrl, log);
  const logOptions = {
    appendDeadlineMs: options.appendDeadlineMs,
    readDeadlineMs: options.readDeadlineMs,
    replicas: options.logReplicas,
    maxBytes: options.logMaxBytes,
  };
  const breakers = { appends: breakerFor("log", log), reads: breakerFor("log_reads", log) };
  const channelLog = await patiently(
    "log",
    () => JetStreamLog.open(nats, cell, log, logOptions, breakers),
    log,
  );
  const otherLogs = new CellLogs(nats, log, logOptions, options.hubDomain);
  const directory = await patiently("directory", () => DirectoryStore.open(nats, log, options), log);
  const enter = () => directory.change((current) => withCell(current, cell, region));
  await patiently("a place in the directory", enter, log);
  await directory.refresh();
  const settingsStore = await patiently("settings", () => SettingsStore.open(nats, log, options), log);
  const asker = `${cell}-${workerId}-${randomUUID()}`;
  const router = new Router({ nats, directory, asker, log });
  const { settings } = settingsStore;
  const { limits: tenants, stop } = startTenantLimits({ ...options, nats, settings, by: asker, log });
  const tracing = await startTracing({ nats, options, process: { kind: "worker", id: workerId, cell }, log });
  const shared = { directory, router, settingsStore, tenants, stopLimits: stop, tracing };
  return { nats, redis, channelLog, otherLogs, ...shared };
}

/** Composes a worker: actors, partitions, leases, and the moving of channels. */
export async function startWorker(options: WorkerOptions, log: Logger): Promise<Service> {
  const { cell, region, workerId } = options;
  const ground = await layGround(options, log);
  const { nats, redis, channelLog, directory } = ground;
  const { settings } = ground.settingsStore;
  const outbox = new Outbox(nats, subjects.commandAt(cell, workerId), log);
  const store = new PresenceStore(redis, cell, breakerFor("redis", log));
  bound.set({ bound: "actors" }, options.maxActors);
  const actors = new Actors(actorContext({ ground, options, settings, outbox, store, log }), options);
  directory.onChange(() => {
    // Given up, this cell is written to by others: what its actors know may be out of date.
    if (stateOf(directory, cell) === "down") actors.closeWhere(() => true);
    else actors.closeIdle();
  });
  const { tenants } = ground;
  const owns = (partition: number) => partitions.owns(partition);
  const listener = {
    command: (message: Msg, to: "partition" | "worker") =>
      dispatch(message, { actors, outbox, tenants }, to === "partition" ? null : owns),
    lost: (lost: ReadonlySet<number>) => actors.closeWhere((partition) => lost.has(partition)),
    doubted: () => actors.doubt(),
  };
  const partitions = new Partitions({ nats, cell, id: workerId, log, listener });
  await partitions.start();
  const leases = new Leases({ nats, cell, store, actors, owns, log });
  const isLeader = () => owns(LEADER_PARTITION);
  const channels = new ChannelCount({ cell, directory, log: channelLog, isLeader, logger: log });
  const status = new StatusReporter({ nats, cell, worker: workerId, partitions, actors, channels, log });
  const { maxActors } = options;
  const said = { nats, cell, worker: workerId, actors, maxActors, channels, tenants, log };
  const stopLoad = sayWorkerLoad({ ...said, instance: `${workerId}-${randomUUID().slice(0, 8)}` });
  // Every worker answers: of a queue group, one that hangs would make the whole cell look dead.
  subscribe(nats, subjects.ping(cell), log, (message) => message.respond(workerId));
  const bots = startBots({ ground, options, partitions, log });
  const moving = await startMoving({ ...ground, options, settings, isLeader, log });
  const { opsHost: host, opsPort: port } = options;
  const ops = await startOpsServer({ host, port, log, ready: readiness(ground, cell) });
  log.info({ cell, region }, "worker is ready");

  return {
    stop: async () => {
      const deadlineAt = performance.now() + LAST_WORK_MS;
      await bots.stop();
      await partitions.stop();
      leases.stop();
      moving.stop();
      status.stop();
      stopLoad();
      await settle(actors, deadlineAt);
      actors.stop();
      outbox.flush();
      await ops.stop();
      await leaveGround(ground);
    },
  };
}

function startBots(parts: {
  ground: Ground;
  options: WorkerOptions;
  partitions: Partitions;
  log: Logger;
}): BotService {
  const { nats, router, settingsStore, tracing } = parts.ground;
  return new BotService({
    ...parts.ground,
    bus: connectivity(nats),
    tracer: tracing.tracer,
    publisher: new Publisher(router),
    settings: settingsStore.settings,
    positions: new BotPositions(nats, parts.log, parts.options),
    instance: `${parts.options.workerId}-${randomUUID().slice(0, 8)}`,
    isBehind: () => parts.partitions.isBehind,
    log: parts.log,
  });
}

async function leaveGround({
  nats,
  redis,
  channelLog,
  otherLogs,
  directory,
  router,
  settingsStore,
  stopLimits,
  tracing,
}: Ground): Promise<void> {
  stopLimits();
  router.stop();
  channelLog.stop();
  await settledSoon(otherLogs.stop()); // one that is being opened may wait for a server that hangs
  directory.stop();
  settingsStore.stop();
  redis.disconnect();
  await Promise.all([tracing.stop(), leaveNats(nats)]);
}

function actorContext(parts: {
  ground: Ground;
  options: WorkerOptions;
  settings: Settings;
  outbox: Outbox;
  store: PresenceStore;
  log: Logger;
}): Omit<ActorContext, "closed" | "held"> {
  const { nats, channelLog, otherLogs, directory, router } = parts.ground;
  const { cell, hubDomain } = parts.options;
  const goneCells = new GoneCells(() => answersJetStream(nats, hubDomain));
  return {
    cell,
    log: channelLog,
    logIsAway: () => channelLog.isAway,
    logOf: (id) => otherLogs.of(id),
    goneCells: {
      isGone: (id) => goneCells.isGone(id, performance.now()),
      logAnswered: (id) => goneCells.answered(id),
    },
    placement: placementView(directory, cell),
    askAt: (at, kind, tenant, channel, body) =>
      router.askAt(at, kind, tenant, channel, body, HAND_OVER_DEADLINE_MS, HAND_OVER_ATTEMPT_MS),
    presence: parts.store,
    settings: parts.settings,
    tracer: parts.ground.tracing.tracer,
    logger: parts.log,
    announce: (tenant, channel, frame) => nats.publish(subjects.event(tenant, channel), frame),
    answer: (asker, error, body) => parts.outbox.answer(asker, error, body),
  };
}

function readiness({ nats, redis, directory }: Ground, cell: string): Readiness {
  return async () => ({
    nats: await checkNats(nats),
    redis: await checkRedis(redis),
    cell: stateOf(directory, cell) === "joining" ? "waits to join" : undefined,
  });
}

/** Lets what is on its way to the log arrive. */
async function settle(actors: Actors, latest: number): Promise<void> {
  const deadlineAt = Math.min(latest, performance.now() + DRAIN_DEADLINE_MS);
  while (!actors.quiet && performance.now() < deadlineAt)
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
}
