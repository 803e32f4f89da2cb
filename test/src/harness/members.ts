/** Presence as a client sees it. */
import type { Member, PresenceFrame } from "@plexus/protocol";
import type { RawClient } from "./raw-client.js";
import { until } from "./wait.js";

export interface PresenceEvent {
  kind: "join" | "leave" | "update";
  member: Member;
}

/** Everything that a client was told about the members of a channel, in order. */
export function eventsOf(client: RawClient, ch: string): PresenceEvent[] {
  const events: PresenceEvent[] = [];
  for (const frame of client.frames as Array<PresenceFrame & { op: string }>) {
    if (frame.op !== "presence" || frame.ch !== ch) continue;
    for (const kind of ["join", "leave", "update"] as const)
      for (const member of frame[kind] ?? []) events.push({ kind, member });
  }
  return events;
}

export function memberConns(clients: readonly RawClient[]): string[] {
  return clients.map(({ conn }) => conn).sort();
}

/** Waits until the list, as this client gets it, holds these connections and no others. */
export async function membersAre(
  client: RawClient,
  ch: string,
  members: readonly RawClient[],
): Promise<void> {
  const wanted = memberConns(members).join();
  let shown = "";
  await until(`members of ${ch}`, async () => {
    shown = (await client.presence(ch)).members
      .map(({ conn }) => conn)
      .sort()
      .join();
    return shown === wanted;
  }).catch((cause) => {
    throw new Error(`${ch} has ${shown} in place of ${wanted}`, { cause });
  });
}
