/** What a worker counts. */
import {
  boundReached,
  type CommandKind,
  LabelledTally,
  Tally,
  TimeTally,
  type WireError,
} from "@plexus/runtime";
import { Counter, Gauge, Histogram } from "prom-client";
import { MAILBOX_FULL, WINDOW_FULL } from "./channel-types.js";

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export const storedMessages = new Tally({
  name: "plexus_stored_messages_total",
  help: "Messages stored in the log",
});
export const storedRecords = new Tally({
  name: "plexus_stored_records_total",
  help: "Records stored; each holds the messages that gathered during the append before",
});
export const appendSeconds = new TimeTally({
  name: "plexus_append_seconds",
  help: "Time from offering a record to the log's answer",
  buckets: SECONDS,
});
export const mailboxSeconds = new TimeTally({
  name: "plexus_mailbox_seconds",
  help: "Time from a publish's arrival at the worker to the record that takes it out of the mailbox; counted for each message",
  buckets: SECONDS,
});
export const loadSeconds = new Histogram({
  name: "plexus_channel_load_seconds",
  help: "Time to read a channel back from the log",
  buckets: SECONDS,
});
export const verifications = new Counter({
  name: "plexus_append_verifications_total",
  help: "Appends whose outcome had to be read from the log",
});
export const actors = new Gauge({ name: "plexus_actors", help: "Channel actors in memory" });
export const tailBytes = new Gauge({
  name: "plexus_actor_tail_bytes",
  help: "Bytes of records that the actors keep in memory for those who read the past",
});
export const refusedActors = new Counter({
  name: "plexus_actors_refused_total",
  help: "Commands refused because the bound on actors was reached",
});
export const partitions = new Gauge({ name: "plexus_partitions_owned", help: "Partitions this worker owns" });
export const commands = new LabelledTally<CommandKind>({
  name: "plexus_commands_total",
  help: "Commands received",
  label: "kind",
});
export const commandErrors = new LabelledTally<string>({
  name: "plexus_command_errors_total",
  help: "Commands that were answered with an error, by its code; moved means that the asker asks elsewhere",
  label: "code",
});
export const questionSeconds = new TimeTally({
  name: "plexus_log_question_seconds",
  help: "Time that the log takes to answer a question of what it holds",
  buckets: SECONDS,
});
export const redisSeconds = new TimeTally({
  name: "plexus_redis_seconds",
  help: "Time that Redis takes for a command, whatever it says",
  buckets: SECONDS,
});
export const droppedCommands = new Counter({
  name: "plexus_commands_dropped_total",
  help: "Messages of commands dropped because they waited while this process was paused",
});
export const peers = new Gauge({
  name: "plexus_cell_workers",
  help: "Live workers of the cell, as seen here",
});
export const sweptGateways = new Counter({
  name: "plexus_gateway_leases_ended_total",
  help: "Gateways whose presence lease ended",
});
export const sweptBots = new Counter({
  name: "plexus_bot_leases_ended_total",
  help: "Memberships of bots that ended since the bot did not join again in time",
});
export const botRequests = new Counter({
  name: "plexus_bot_requests_total",
  help: "Requests of bots, by operation and outcome: ok, an error's code, or ignored (no inbox to answer to, or it waited while this process was paused)",
  labelNames: ["operation", "outcome"],
});
export const botRequestsOpen = new Gauge({
  name: "plexus_bot_requests_open",
  help: "Requests of bots without an answer yet",
});
export const takeOvers = new Counter({
  name: "plexus_take_overs_total",
  help: "Channels opened here that lived elsewhere, or may have",
  labelNames: ["outcome"],
});
export const moves = new Counter({
  name: "plexus_channels_moved_total",
  help: "Channels given away by the mover",
});
export const parked = new Counter({
  name: "plexus_moves_parked_total",
  help: "Times that a cell's part of an operation was parked for an operator",
});
export const trimmed = new Counter({
  name: "plexus_idle_channels_trimmed_total",
  help: "Channels that nobody used and that retention shortened",
});
export const historyBytes = new Gauge({
  name: "plexus_tenant_history_bytes",
  help: "Bytes in this cell's log of tenants that have a quota for it, as last measured; by the worker that measures",
  labelNames: ["tenant"],
});
export const breakerOpen = new Gauge({
  name: "plexus_breaker_open",
  help: "1 while something this worker depends on does not answer and is therefore not asked: redis, log (appends), log_reads",
  labelNames: ["dependency"],
});

/** A publish was refused by its channel; others are refused with reasons that are no bounds. */
export function countRefusal(error: WireError): void {
  if (error === MAILBOX_FULL) boundReached.inc({ bound: "mailbox" });
  else if (error === WINDOW_FULL) boundReached.inc({ bound: "window" });
}
