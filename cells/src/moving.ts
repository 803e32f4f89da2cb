import { encodeControl, subjects } from "@plexus/protocol";
import {
  type DirectoryStore,
  type Logger,
  type NatsConnection,
  OperationStore,
  type Options,
  patiently,
  type Router,
  type Settings,
  type TenantLimits,
} from "@plexus/runtime";
import type { CellLogs } from "./cell-logs.js";
import { CellWatch } from "./cell-watch.js";
import { HistoryMeter } from "./history-meter.js";
import { Janitor } from "./janitor.js";
import type { JetStreamLog } from "./jetstream-log.js";
import { LogMirror } from "./mirror.js";
import { Mover } from "./mover.js";
import type { workerOptions } from "./options.js";
import { sealAfter } from "./seal.js";

/** Whoever owns it does what one worker of a cell has to do. */
export const LEADER_PARTITION = 0;

/** An actor that can't be had by then is asked again in the next walk; until then, the walk waits. */
const TRIM_DEADLINE_MS = 5_000;

/** Composes what a worker does for its cell as a whole, if it leads: moving channels, watching cells, retention. */
export async function startMoving(context: {
  options: Options<typeof workerOptions>;
  nats: NatsConnection;
  directory: DirectoryStore;
  router: Router;
  channelLog: JetStreamLog;
  otherLogs: CellLogs;
  settings: Settings;
  tenants: TenantLimits;
  isLeader: () => boolean;
  log: Logger;
}): Promise<{ stop(): void }> {
  const { options, nats, directory, router, channelLog, isLeader, log } = context;
  const { cell } = options;
  const operations = await patiently("operations", () => OperationStore.open(nats, log, options), log);
  const mover = new Mover({
    cell,
    log: channelLog,
    directory,
    operations,
    logger: log,
    options,
    isLeader,
    parkAfterMs: options.parkAfterMs,
    mirror: options.hubDomain === undefined ? null : new LogMirror(nats, cell, options.hubDomain),
    logOf: (id) => context.otherLogs.of(id),
    open: (tenant, channel) => router.ask("head", tenant, channel, { gateway: "" }),
    seal: (tenant, channel, to) => sealOwn(channelLog, cell, tenant, channel, to),
  });
  const watch = new CellWatch({
    nats,
    cell,
    directory,
    operations,
    graceMs: options.cellGraceMs,
    log,
    isLeader,
  });
  const janitor = new Janitor({
    cell,
    settings: context.settings,
    logger: log,
    paceMs: options.retentionPaceMs,
    isLeader,
    subjects: () => channelLog.subjects(),
    logsOf: (tenant, channel) => ({
      cell,
      own: channelLog,
      of: (id) => (id === cell ? Promise.resolve(channelLog) : context.otherLogs.of(id)),
      subject: (id) => subjects.log(id, tenant, channel),
    }),
    trimByActor: (tenant, channel) => router.askAt(cell, "trim", tenant, channel, null, TRIM_DEADLINE_MS),
  });
  const { settings, tenants } = context;
  const { historyBytesIntervalMs: intervalMs } = options;
  const measured = { cell, log: channelLog, settings, tenants, intervalMs, isLeader, logger: log };
  const meter = new HistoryMeter(measured);
  return {
    stop: () => {
      meter.stop();
      janitor.stop();
      mover.stop();
      watch.stop();
    },
  };
}

/** Ends a channel's life in this log: it went on elsewhere without this cell, in another epoch. */
async function sealOwn(
  log: JetStreamLog,
  cell: string,
  tenant: string,
  channel: string,
  to: string,
): Promise<void> {
  const subject = subjects.log(cell, tenant, channel);
  const last = await log.last(subject);
  if (last === null || last.head.op === "seal") return;
  const seal = await sealAfter(log, cell, subject, last);
  const bytes = encodeControl({ ...seal, op: "seal", ch: channel, n: 0, to });
  const record = { subject, bytes, fence: last.logSeq, opened: 0 };
  const outcome = await new Promise<{ stored: boolean }>((resolve) => log.append(record, resolve));
  if (!outcome.stored) throw new Error("the channel could not be sealed yet");
}
