/**
 * Lifecycle events: what a gateway writes of its own connections, and what a keeper derives from that. All of it is in
 * one stream on the hub, so that its order is everybody's order. See docs/webhooks.md and deploy/src/hooks/fold.ts.
 */
import type { Settings } from "./settings.js";
import { LIFECYCLE_KINDS, type LifecycleKind } from "./settings-schema.js";

export const LIFECYCLE_STREAM = "LIFECYCLE";
export const DEAD_LETTER_STREAM = "DEADLETTERS";

/** The same id is the same event, however often it is stored or delivered. */
export interface LifecycleEvent {
  id: string;
  kind: LifecycleKind;
  tenant: string;
  /** Milliseconds since 1970, by the clock of whoever noticed it. */
  ts: number;
  /** The gateway, and the run of it that held the connection. */
  gateway?: string;
  source?: string;
  conn?: string;
  user?: string;
  ch?: string;
  /** Which of the connection's subscriptions: 1, 2, 3 … */
  sub?: number;
  /** Of a connection that ended: the WebSocket's close code; none where its gateway could not tell. */
  code?: number;
  /** Written by the keeper, not by the gateway that held the connection. */
  derived?: true;
}

/** A connection in a roster: its id, its user, its subscriptions by number. */
export type RosterEntry = [conn: string, user: string, subscriptions: Array<[number, string]>];

/**
 * A part of what a gateway holds of a tenant, at one moment. Whatever differs from the events before it was lost on
 * the way, and the keeper puts it right.
 */
export interface RosterPart {
  source: string;
  tenant: string;
  /** Grows by one with each roster of this source. */
  roster: number;
  /** 0, 1, 2 … */
  part: number;
  last: boolean;
  /** The source has told nothing of this tenant before. */
  first: boolean;
  /** Nobody wants to know of this tenant any more. */
  off?: true;
  ts: number;
  conns: RosterEntry[];
}

/** A gateway says that it lives. */
export interface Alive {
  source: string;
}
/** What a keeper answers to that, where it has something to say. */
export interface AliveAnswer {
  source: string;
  /** It was given up in the meantime: what it holds belongs to a new source from now on. */
  ended?: true;
  /** Write what you hold. */
  roster?: true;
}

/** Kinds that come from connections; `published` is in the logs of the cells. */
export const CONNECTION_KINDS: readonly LifecycleKind[] = LIFECYCLE_KINDS.filter(
  (kind) => kind !== "published",
);

/** Whether gateways have to write down what this tenant's connections do. */
export function tracksConnections(settings: Settings, tenant: string): boolean {
  const { events = [], webhooks = [] } = settings.tenant(tenant);
  const wanted = [...events, ...webhooks.flatMap((webhook) => webhook.events)];
  return wanted.some((kind) => CONNECTION_KINDS.includes(kind));
}

/** A run of a gateway, which has a new name after each time that it was given up for dead. */
export function sourceName(instance: string, life: number): string {
  return `${instance}_${life}`;
}

export function instanceOf(source: string): string {
  return source.slice(0, source.lastIndexOf("_"));
}

/** The gateway's own name, as in g1. */
export function gatewayOf(source: string): string {
  const instance = instanceOf(source);
  return instance.slice(0, instance.lastIndexOf("-"));
}

/**
 * Ids follow from what happened alone, so that whoever writes the same thing again writes the same id.
 *
 * @param roster where it is not the gateway that writes it, but the keeper because of this roster
 */
export function connectionEventId(
  source: string,
  conn: string,
  kind: LifecycleKind,
  roster?: number,
): string {
  const life = source.slice(source.lastIndexOf("_"));
  return `${conn}${life}.${kind}${roster === undefined ? "" : `~${roster}`}`;
}

export function subscriptionEventId(
  source: string,
  conn: string,
  sub: number,
  kind: LifecycleKind,
  roster?: number,
): string {
  const life = source.slice(source.lastIndexOf("_"));
  return `${conn}${life}.${sub}.${kind}${roster === undefined ? "" : `~${roster}`}`;
}
