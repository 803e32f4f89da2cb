/**
 * A bot has no gateway that holds its connection, so it is one itself: in each channel that it joins, with a lease of
 * its own. One that goes on in one channel and forgot another is not kept there.
 */
export function botGateway(tenant: string, bot: string, channel: string): string {
  return `${PREFIX}${tenant}/${bot}/${channel}`;
}

export function isBotGateway(gateway: string): boolean {
  return gateway.startsWith(PREFIX);
}

/** No gateway's name has a slash. */
const PREFIX = "bot/";
