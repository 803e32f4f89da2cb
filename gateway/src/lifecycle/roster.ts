/** What a gateway holds of a tenant, cut into parts that fit into a message; pure. */
import type { RosterEntry, RosterPart } from "@plexus/runtime";
import type { Connection } from "../connection.js";

/** Far below the bus's bound for a message, which is 1 MB. */
const MAX_PART_BYTES = 200_000;
/** What a subscription or a connection takes beside its names. */
const OVERHEAD_BYTES = 12;

export function rosterParts(
  head: Omit<RosterPart, "part" | "last" | "conns">,
  connections: Iterable<Connection>,
): RosterPart[] {
  const parts: RosterEntry[][] = [[]];
  let bytes = 0;
  for (const connection of connections) {
    const subscriptions = [...connection.subscriptions.values()]
      .filter(({ number }) => number > 0)
      .map(({ number, channel }): [number, string] => [number, channel]);
    const size = subscriptions.reduce(
      (sum, [, channel]) => sum + channel.length + OVERHEAD_BYTES,
      connection.id.length + connection.identity.user.length + OVERHEAD_BYTES,
    );
    if (bytes > 0 && bytes + size > MAX_PART_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    bytes += size;
    parts.at(-1)!.push([connection.id, connection.identity.user, subscriptions]);
  }
  return parts.map((conns, part) => ({ ...head, part, last: part === parts.length - 1, conns }));
}
