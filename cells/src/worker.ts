import { randomUUID } from "node:crypto";
import { subjects } from "@plexus/protocol";
import {
  type CellState,
  checkNats,
  checkRedis,
  connectNats,
  connectRedis,
  DirectoryStore,
  decodeCommands,
  homeOf,
  type Logger,
  type Msg,
  type Options,
  previousHomesOf,
  Router,
  type Service,
  Settings,
  startOpsServer,
  subscribe,
  withCell,
} from "@plexus/runtime";
import type { PlacementView } from "./actor.js";
import { Actors } from "./actors.js";
import { CellLogs } from "./cell-logs.js";
import { ChannelCount } from "./channel-count.js";
import { JetStreamLog } from "./jetstream-log.js";
import { Leases } from "./leases.js";
import { LEADER_PARTITION, startMoving } from "./moving.js";
import type { workerOptions } from "./options.js";
import { Outbox } from "./outbox.js";
import { Partitions } from "./partitions.js";
import { PresenceStore } from "./presence-store.js";
import { StatusReporter } from "./status.js";

/** A cell that was asked for a channel and does not answer by then may be gone; whoever waits asks again. */
const HAND_OVER_DEADLINE_MS = 3_000;
const DRAIN_POLL_MS = 10;
const DRAIN_DEADLINE_MS = 5_000;

/** Composes a worker: brokers, directory, log, actors, partitions, leases, and the moving of channels. */
export async function startWorker(options: Options<typeof workerOptions>, log: Logger): Promise<Service> {
  const { cell, region, workerId } = options;
  const nats = await connectNats(options.natsUrl, `worker ${workerId}`, log);
  const redis = connectRedis(options.redisUrl, log);
  const logOptions = {
    appendDeadlineMs: options.appendDeadlineMs,
    readDeadlineMs: options.readDeadlineMs,
    replicas: options.logReplicas,
    maxBytes: options.logMaxBytes,
  };
  const channelLog = await JetStreamLog.open(nats, cell, log, logOptions);
  const otherLogs = new CellLogs(nats, log, logOptions, options.hubDomain);
  const directory = await DirectoryStore.open(nats, log, options.hubDomain);
  await directory.change((current) => withCell(current, cell, region));
  await directory.refresh();
  const router = new Router({ nats, directory, asker: `${cell}-${workerId}-${randomUUID()}`, log });
  const settings = Settings.fromFile(options.settingsFile);
  const outbox = new Outbox(nats, log);
  const store = new PresenceStore(redis, cell);
  const actors = new Actors(
    {
      cell,
      log: channelLog,
      logOf: (id) => otherLogs.of(id),
      placement: placementView(directory, cell),
      askAt: (at, kind, tenant, channel, body) =>
        router.askAt(at, kind, tenant, channel, body, HAND_OVER_DEADLINE_MS),
      presence: store,
      settings,
      logger: log,
      announce: (tenant, channel, frame) => nats.publish(subjects.event(tenant, channel), frame),
      answer: (asker, error, body) => outbox.answer(asker, error, body),
    },
    { maxActors: options.maxActors, idleActorMs: options.idleActorMs },
  );
  directory.onChange(() => actors.closeWaiting());
  const partitions = new Partitions({
    nats,
    cell,
    id: workerId,
    log,
    listener: {
      command: (message) => dispatch(message, actors),
      lost: (lost) => actors.closeWhere((partition) => lost.has(partition)),
    },
  });
  await partitions.start();
  const owns = (partition: number) => partitions.owned.has(partition);
  const leases = new Leases({ nats, cell, store, actors, owns, log });
  const channels = new ChannelCount({
    cell,
    directory,
    subjects: () => channelLog.subjects(),
    isLeader: () => owns(LEADER_PARTITION),
    log,
  });
  const status = new StatusReporter({ nats, cell, worker: workerId, partitions, actors, channels, log });
  subscribe(nats, subjects.ping(cell), log, (message) => message.respond(workerId), "ping");
  const moving = await startMoving({
    options,
    nats,
    directory,
    router,
    channelLog,
    otherLogs,
    settings,
    owns,
    log,
  });
  const ops = await startOpsServer({
    host: options.opsHost,
    port: options.opsPort,
    log,
    ready: async () => ({
      nats: await checkNats(nats),
      redis: await checkRedis(redis),
      cell: stateOf(directory, cell) === "joining" ? "waits to join" : undefined,
    }),
  });
  log.info({ cell, region }, "worker is ready");

  return {
    stop: async () => {
      await partitions.stop();
      leases.stop();
      moving.stop();
      status.stop();
      await settle(actors);
      actors.stop();
      outbox.flush();
      router.stop();
      channelLog.stop();
      await otherLogs.stop();
      directory.stop();
      await ops.stop();
      redis.disconnect();
      await nats.drain();
    },
  };
}

function placementView(directory: DirectoryStore, cell: string): PlacementView {
  return {
    isHome: (tenant, channel) => homeOf(directory.current, tenant, channel)?.cell === cell,
    previousHomes: (tenant, channel) => previousHomesOf(directory.current, tenant, channel),
    stateOf: (id) => stateOf(directory, id),
  };
}

function stateOf(directory: DirectoryStore, cell: string): CellState | undefined {
  return directory.current.cells.find((entry) => entry.id === cell)?.state;
}

function dispatch(message: Msg, actors: Actors): void {
  const reply = message.reply;
  if (reply === undefined) return;
  for (const command of decodeCommands(message.data))
    actors.handle(command, { reply, correlation: command[0] });
}

/** Lets what is on its way to the log arrive. */
async function settle(actors: Actors): Promise<void> {
  const deadlineAt = Date.now() + DRAIN_DEADLINE_MS;
  while (!actors.quiet && Date.now() < deadlineAt)
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
}
