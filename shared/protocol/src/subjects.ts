/**
 * Every NATS subject of Plexus, built and taken apart here and nowhere else.
 *
 *   evt.<tenant>.<channel>           what subscribers see: records, presence, signals
 *   log.<cell>.<tenant>.<channel>    what is appended; the stream republishes it to evt.…
 *   cmd.<cell>.<partition>           commands to the owner of a partition
 *   ans.<asker>.<batch>              answers to whoever sent a batch of commands
 *   beat.<cell>                      heartbeats of a cell's workers among themselves
 *   lease.<cell>                     a gateway renews its presence lease in a cell
 *   ping.<cell>                      whether any worker of a cell answers
 *   status.worker.<cell>             every worker of a cell says how it is
 *   status.gateway[.channel|.user]   every gateway says how it is; who is subscribed; where a user is connected
 *   control.gateway.disconnect       every gateway closes the connections of a user
 *   control.gateway.drain.<gateway>  a gateway sends its connections away
 */

export const EVENT_PREFIX = "evt";

export const subjects = {
  event: (tenant: string, channel: string) => `evt.${tenant}.${channel}`,
  log: (cell: string, tenant: string, channel: string) => `log.${cell}.${tenant}.${channel}`,
  logOfCell: (cell: string) => `log.${cell}.>`,
  allEvents: "evt.>",
  command: (cell: string, partition: number) => `cmd.${cell}.${partition}`,
  answer: (asker: string, batch: number) => `ans.${asker}.${batch}`,
  answersTo: (asker: string) => `ans.${asker}.*`,
  beat: (cell: string) => `beat.${cell}`,
  lease: (cell: string) => `lease.${cell}`,
  ping: (cell: string) => `ping.${cell}`,
  workerStatus: (cell: string) => `status.worker.${cell}`,
  gatewayStatus: "status.gateway",
  channelSubscribers: "status.gateway.channel",
  userConnections: "status.gateway.user",
  disconnectUser: "control.gateway.disconnect",
  drainGateway: (gateway: string) => `control.gateway.drain.${gateway}`,
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
