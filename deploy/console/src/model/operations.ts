/** Operations as they become known: from the list, from their event streams, from the answers to orders. Pure. */
import type { Operation } from "../api-types.js";
import { count, plural } from "./format.js";

/** As many as the API lists. */
const KEPT = 50;
const VERBS: Record<string, [under: string, done: string]> = {
  drain: ["Draining", "drained"],
  activate: ["Activating", "activated"],
  join: ["Joining", "joined"],
  weight: ["Changing the weight of", "has its new weight"],
  pin: ["Binding tenant", "bound"],
  down: ["Giving up", "given up"],
  return: ["Taking back", "is back"],
  "gateway-drain": ["Draining gateway", "drained"],
};

/** Newest first; one that is known is replaced, unless what comes is older news of it. */
export function withOperations(known: readonly Operation[], news: readonly Operation[]): Operation[] {
  const all = new Map(known.map((operation) => [operation.id, operation]));
  for (const operation of news) {
    const before = all.get(operation.id);
    if (before === undefined || !isOlder(operation, before)) all.set(operation.id, operation);
  }
  return [...all.values()].sort((a, b) => b.startedAt - a.startedAt).slice(0, KEPT);
}

/** Streams and lists cross: an operation that has ended goes on in no later news. */
function isOlder(news: Operation, known: Operation): boolean {
  if (hasEnded(known)) return !hasEnded(news);
  return !hasEnded(news) && news.total === known.total && news.moved < known.moved;
}

export function hasEnded({ state }: Operation): boolean {
  return state !== "running" && state !== "parked";
}

export function isUnderWay(operation: Operation): boolean {
  return !hasEnded(operation);
}

export function subjectOf({ cell, gateway, tenant }: Operation): string {
  return cell ?? gateway ?? tenant ?? "";
}

/** As in "Draining eu-1". */
export function titleOf(operation: Operation): string {
  const [under] = VERBS[operation.kind] ?? [operation.kind];
  return `${under} ${subjectOf(operation)}`.trim();
}

/** Between 0 and 1; null while nobody knows how much there is to do. */
export function shareDone({ moved, total, state }: Operation): number | null {
  if (state === "done") return 1;
  return total === 0 ? null : Math.min(1, moved / total);
}

export function unitOf({ kind }: Operation, n: number): string {
  return kind === "gateway-drain" ? plural(n, "connection") : plural(n, "channel");
}

export function progressOf(operation: Operation): string {
  const { moved, total, state } = operation;
  if (total === 0) return state === "done" ? "nothing had to move" : "counting";
  return `${count(moved)} of ${unitOf(operation, total)}`;
}

/** The sentence that a screen reader hears: at each quarter, and at the end; otherwise undefined. */
export function announcement(before: Operation | undefined, now: Operation): string | undefined {
  const title = titleOf(now);
  const { error, state } = now;
  const why = error === undefined ? "" : `: ${error}`;
  if (before?.state !== state) {
    if (state === "done")
      return `${subjectOf(now)} is ${VERBS[now.kind]?.[1] ?? "done"}, ${progressOf(now)}.`;
    if (state === "failed") return `${title} failed${why}.`;
    if (state === "parked") return `${title} is parked${why}.`;
    if (state === "superseded") return `${title} was replaced by another change.`;
  }
  if (before === undefined) return `${title} has begun.`;
  const quarter = (operation: Operation) => Math.floor((shareDone(operation) ?? 0) * 4);
  return quarter(now) > quarter(before) ? `${title}: ${progressOf(now)}.` : undefined;
}
