/** From a bot's capabilities to what it may say and hear on the bus. */
import { BOT_OPERATIONS, type BotOperation, PlexusError, subjects } from "@plexus/protocol";
import type { RegisteredBot } from "@plexus/runtime";

export interface Permissions {
  publish: string[];
  subscribe: string[];
  /** Beats what may be heard. */
  notSubscribe: string[];
}

/**
 * Patterns of channels mean in capabilities what they mean in subjects, so each is taken over as it is. Throws
 * `bad_request` for what a NATS server could not keep apart.
 */
export function permissionsOf({
  tenant,
  name,
  caps,
}: Pick<RegisteredBot, "tenant" | "name" | "caps">): Permissions {
  const publish = new Set<string>();
  const heard: string[] = [];
  for (const [pattern, actions] of Object.entries(caps)) {
    for (const [operation, action] of Object.entries(BOT_OPERATIONS))
      if (actions.includes(action))
        publish.add(subjects.botRequest(tenant, name, operation as BotOperation, pattern));
    if (actions.includes("sub")) heard.push(pattern);
  }
  const event = (pattern: string) => subjects.event(tenant, pattern);
  return {
    publish: [...publish].sort(),
    subscribe: [...heard.map(event), `${subjects.botInbox(tenant, name)}.>`].sort(),
    notSubscribe: deeper(heard).map(event).sort(),
  };
}

/**
 * Up to now NATS servers take `chat.>` for something that lies within `chat.*`, and would let a bot hear all that lies
 * deeper. That has to be denied by name.
 */
function deeper(heard: readonly string[]): string[] {
  const denied: string[] = [];
  for (const pattern of heard.filter((pattern) => pattern === "*" || pattern.endsWith(".*"))) {
    const below = `${pattern}.>`;
    const overlapping = heard.filter((other) => overlap(other, below));
    if (overlapping.some((other) => covers(other, below))) continue;
    if (overlapping.length > 0)
      throw new PlexusError(
        "bad_request",
        `caps: a NATS server can't allow "sub" on "${pattern}" and on a part of what lies deeper ("${overlapping[0]}"): take "${pattern.slice(0, -1)}>", or two bots`,
      );
    denied.push(below);
  }
  return denied;
}

/** Whether there is a channel in both patterns. */
export function overlap(a: string, b: string): boolean {
  const [left, right] = [a.split("."), b.split(".")];
  for (let i = 0; ; i++) {
    const [x, y] = [left[i], right[i]];
    if (x === undefined || y === undefined) return x === y;
    if (x === ">" || y === ">") return true;
    if (x !== "*" && y !== "*" && x !== y) return false;
  }
}

/** Whether every channel in `inner` is in `outer` as well. */
export function covers(outer: string, inner: string): boolean {
  const [out, inn] = [outer.split("."), inner.split(".")];
  for (let i = 0; ; i++) {
    const [x, y] = [out[i], inn[i]];
    if (x === undefined || y === undefined) return x === y;
    if (x === ">") return true;
    if (y === ">" || (x !== "*" && x !== y)) return false;
  }
}
