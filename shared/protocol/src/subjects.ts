/**
 * Every NATS subject of Plexus, built and taken apart here and nowhere else.
 *
 *   evt.<tenant>.<channel>           what subscribers see: records, presence, signals
 *   log.<cell>.<tenant>.<channel>    what is appended; the stream republishes it to evt.…
 *   cmd.<cell>.<partition>           commands to the owner of a partition
 *   cmd.<cell>.at.<worker>           commands to one worker, for any of the partitions that it owns
 *   ans.<asker>.<batch>              answers to whoever sent a batch of commands
 *   beat.<cell>                      heartbeats of a cell's workers among themselves
 *   alive.<cell>.<worker>            that worker is connected: whoever asks and meets nobody knows that it is gone
 *   lease.<cell>                     a gateway renews its presence lease in a cell
 *   ping.<cell>                      whether any worker of a cell answers
 *   status.worker.<cell>             every worker of a cell says how it is
 *   status.gateway[.channel|.user]   every gateway says how it is; who is subscribed; where a user is connected
 *   usage                            every process says what tenants with quotas use of it, once a second
 *   load                             every gateway and worker says how much it does, once a second
 *   control.gateway.disconnect       every gateway closes the connections of a user
 *   control.gateway.drain.<gateway>  a gateway sends its connections away
 *   control.trace                    somebody follows a channel's messages: said anew every second while it lasts
 *   trace.<tenant>.<channel>         what each process that such a message passes says of it
 *
 *   bot.<tenant>.<bot>.<operation>.<channel>   what bots ask for; any worker of any cell answers
 *   _INBOX.<tenant>.<bot>.…                    where a bot with credentials gets its answers, and nobody else reads
 *   life.<tenant>.<kind>[.<channel>] lifecycle events; the stream LIFECYCLE holds them, and the two that follow
 *   roster.<source>.<tenant>         what one run of a gateway holds of a tenant: connections and subscriptions
 *   ended.<source>                   that run is over, and with it whatever it held
 *   alive.gateway                    a gateway that writes lifecycle events lives
 *   control.hooks                    an order to whoever delivers webhooks
 *   dead.<tenant>.<webhook>          what could not be delivered; the stream DEADLETTERS holds it
 */
import { type BotOperation, isBot, isBotOperation } from "./bots.js";
import { isChannel, isTenant } from "./names.js";

export const EVENT_PREFIX = "evt";

export const subjects = {
  event: (tenant: string, channel: string) => `evt.${tenant}.${channel}`,
  log: (cell: string, tenant: string, channel: string) => `log.${cell}.${tenant}.${channel}`,
  logOfCell: (cell: string) => `log.${cell}.>`,
  allEvents: "evt.>",
  command: (cell: string, partition: number) => `cmd.${cell}.${partition}`,
  commandAt: (cell: string, worker: string) => `cmd.${cell}.at.${worker}`,
  answer: (asker: string, batch: number) => `ans.${asker}.${batch}`,
  answersTo: (asker: string) => `ans.${asker}.*`,
  beat: (cell: string) => `beat.${cell}`,
  aliveWorker: (cell: string, worker: string) => `alive.${cell}.${worker}`,
  lease: (cell: string) => `lease.${cell}`,
  ping: (cell: string) => `ping.${cell}`,
  workerStatus: (cell: string) => `status.worker.${cell}`,
  gatewayStatus: "status.gateway",
  channelSubscribers: "status.gateway.channel",
  userConnections: "status.gateway.user",
  usage: "usage",
  load: "load",
  disconnectUser: "control.gateway.disconnect",
  drainGateway: (gateway: string) => `control.gateway.drain.${gateway}`,
  orderTraces: "control.trace",
  traceReports: (tenant: string, channel: string) => `trace.${tenant}.${channel}`,
  botRequest: (tenant: string, bot: string, operation: BotOperation, channel: string) =>
    `bot.${tenant}.${bot}.${operation}.${channel}`,
  allBotRequests: "bot.>",
  botInbox: (tenant: string, bot: string) => `_INBOX.${tenant}.${bot}`,
  lifecycle: (tenant: string, kind: string, channel?: string) =>
    channel === undefined ? `life.${tenant}.${kind}` : `life.${tenant}.${kind}.${channel}`,
  lifecycleOfTenant: (tenant: string) => `life.${tenant}.>`,
  allLifecycle: "life.>",
  roster: (source: string, tenant: string) => `roster.${source}.${tenant}`,
  rostersOf: (source: string) => `roster.${source}.>`,
  allRosters: "roster.>",
  sourceEnded: (source: string) => `ended.${source}`,
  allSourcesEnded: "ended.*",
  gatewayAlive: "alive.gateway",
  orderHooks: "control.hooks",
  deadLetters: (tenant: string, webhook: string) => `dead.${tenant}.${webhook}`,
  allDeadLetters: "dead.>",
  logOfTenant: (cell: string, tenant: string) => `log.${cell}.${tenant}.>`,
} as const;

/** The JetStream stream that holds a cell's log. */
export function logStream(cell: string): string {
  return `LOG_${cell}`;
}

/** `log.<cell>.<tenant>.<channel>` → its channel and tenant. */
export function parseLogSubject(subject: string): { cell: string; tenant: string; channel: string } | null {
  const [kind, cell, tenant, ...channel] = subject.split(".");
  if (kind !== "log" || cell === undefined || tenant === undefined || channel.length === 0) return null;
  return { cell, tenant, channel: channel.join(".") };
}

/** Who asks for what, of which channel. */
export interface BotSubject {
  tenant: string;
  bot: string;
  operation: BotOperation;
  channel: string;
}

/** `bot.<tenant>.<bot>.<operation>.<channel>` → its parts; a string says what is wrong with it. */
export function parseBotSubject(subject: string): BotSubject | string {
  const [kind, tenant, bot, operation, ...tokens] = subject.split(".");
  const channel = tokens.join(".");
  if (kind !== "bot" || !isTenant(tenant))
    return "the subject must be bot.<tenant>.<bot>.<operation>.<channel>";
  if (!isBot(bot)) return "a bot's name is 1 to 32 of a-z 0-9 -";
  if (!isBotOperation(operation)) return "there is no such operation";
  if (!isChannel(channel)) return "the subject must end in a channel's name, as in chat.lobby";
  return { tenant, bot, operation, channel };
}

/**
 * Whether an answer to a bot may be sent there. Whoever answers may publish anything, and a bot chooses the reply
 * subject: only inboxes count, the bot's own or one as NATS clients make them (`_INBOX.<random>`, with one more token
 * at most), which is never as deep as another bot's.
 */
export function isBotReply(reply: string, tenant: string, bot: string): boolean {
  const tokens = reply.split(".");
  if (tokens[0] !== "_INBOX" || !tokens.every((token) => INBOX_TOKEN.test(token))) return false;
  return tokens.length <= 3 ? tokens.length > 1 : reply.startsWith(`${subjects.botInbox(tenant, bot)}.`);
}

/** No wildcards, no white space. */
const INBOX_TOKEN = /^[A-Za-z0-9_$/=+-]{1,128}$/;
