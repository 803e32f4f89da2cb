import { subjects } from "@plexus/protocol";
import {
  checkNats,
  checkRedis,
  connectNats,
  connectRedis,
  DirectoryStore,
  decodeCommands,
  type Logger,
  type Msg,
  type Options,
  type Service,
  Settings,
  startOpsServer,
  subscribe,
  withCell,
} from "@plexus/runtime";
import { Actors } from "./actors.js";
import { JetStreamLog } from "./jetstream-log.js";
import { Leases } from "./leases.js";
import type { workerOptions } from "./options.js";
import { Outbox } from "./outbox.js";
import { Partitions } from "./partitions.js";
import { PresenceStore } from "./presence-store.js";

const DRAIN_POLL_MS = 10;
const DRAIN_DEADLINE_MS = 5_000;

/** Composes a worker: brokers, log, actors, partitions, leases, and its entry in the directory. */
export async function startWorker(options: Options<typeof workerOptions>, log: Logger): Promise<Service> {
  const { cell, region, workerId } = options;
  const nats = await connectNats(options.natsUrl, `worker ${workerId}`, log);
  const redis = connectRedis(options.redisUrl, log);
  const channelLog = await JetStreamLog.open(nats, cell, log, {
    appendDeadlineMs: options.appendDeadlineMs,
    readDeadlineMs: options.readDeadlineMs,
    replicas: options.logReplicas,
    maxBytes: options.logMaxBytes,
  });
  const outbox = new Outbox(nats, log);
  const store = new PresenceStore(redis);
  const actors = new Actors(
    {
      cell,
      log: channelLog,
      presence: store,
      settings: Settings.fromFile(options.settingsFile),
      logger: log,
      announce: (tenant, channel, frame) => nats.publish(subjects.event(tenant, channel), frame),
      answer: (asker, error, body) => outbox.answer(asker, error, body),
    },
    { maxActors: options.maxActors, idleActorMs: options.idleActorMs },
  );
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
  subscribe(nats, subjects.ping(cell), log, (message) => message.respond(workerId), "ping");
  const directory = await DirectoryStore.open(nats, log);
  await directory.change((current) => withCell(current, cell, region));
  const ops = await startOpsServer({
    host: options.opsHost,
    port: options.opsPort,
    log,
    ready: async () => ({ nats: await checkNats(nats), redis: await checkRedis(redis) }),
  });
  log.info({ cell, region }, "worker is ready");

  return {
    stop: async () => {
      await partitions.stop();
      leases.stop();
      await settle(actors);
      actors.stop();
      outbox.flush();
      channelLog.stop();
      directory.stop();
      await ops.stop();
      redis.disconnect();
      await nats.drain();
    },
  };
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
