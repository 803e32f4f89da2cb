/** What an operator wants to know of a cell at a glance. Pure. */
import type { Advice, Cell, Operation, Stats } from "../api-types.js";
import { count, millis } from "./format.js";
import { isUnderWay } from "./operations.js";

/** Commands that wait longer than this in an actor's mailbox are felt by users. */
const SLOW_MAILBOX_MS = 250;

export interface Health {
  readonly level: "good" | "watch" | "bad";
  readonly text: string;
}

export function healthOf(cell: Cell, stats: Stats | null, operations: readonly Operation[]): Health {
  const parked = operations.some((one) => one.state === "parked" && one.cell === cell.id);
  const wait = stats?.cells[cell.id]?.mailboxMs.p99 ?? null;
  if (cell.state === "down") return { level: "bad", text: "given up" };
  if (cell.workers === 0 && cell.state !== "drained") return { level: "bad", text: "no worker answers" };
  if (parked) return { level: "bad", text: "an operation is parked" };
  if (wait !== null && wait > SLOW_MAILBOX_MS) return { level: "watch", text: `slow, ${millis(wait)}` };
  if (cell.missing.length > 0) return { level: "watch", text: `${workersOf(cell)} workers answer` };
  if (cell.workers === 1) return { level: "watch", text: "one worker" };
  return { level: "good", text: cell.state === "drained" ? "idle" : "good" };
}

/** How many answered, and of how many where some did not. */
export function workersOf({ workers, missing }: Cell): string {
  return missing.length === 0 ? count(workers) : `${count(workers)} of ${count(workers + missing.length)}`;
}

/** What it does, in the units that its load is measured in: the share of all channels. */
export function shareOfChannels(cell: Cell, cells: readonly Cell[]): number {
  const all = cells.reduce((sum, { channels }) => sum + channels, 0);
  return all === 0 ? 0 : cell.channels / all;
}

export type Change = "drain" | "activate";

/** The change that this state allows; the API has the last word. */
export function changeOf(cell: Cell, cells: readonly Cell[]): Change | null {
  if (cell.state === "active" || cell.state === "joining") {
    const others = cells.filter(({ id, state }) => id !== cell.id && state === "active");
    return cell.state === "active" && others.length > 0 ? "drain" : null;
  }
  return "activate";
}

/** Whether it can be given up: it holds channels, or is to, and somebody is left who takes them. */
export function mayBeGivenUp(cell: Cell, cells: readonly Cell[]): boolean {
  if (cell.state === "down" || cell.state === "drained") return false;
  return cells.some(({ id, state }) => id !== cell.id && state === "active");
}

/** They change no placement. */
const BESIDE_OTHERS = new Set(["gateway-drain", "return"]);

/** Whether another change is under way that this one would have to wait for; a drain may be turned around. */
export function mustWait(cell: Cell, change: Change | "weight", operations: readonly Operation[]): boolean {
  const turns = change === "activate" && cell.state === "draining";
  return !turns && operations.some((one) => isUnderWay(one) && !BESIDE_OTHERS.has(one.kind));
}

/** What is advised, as a request; undefined where nothing is. */
export function adviceIn({ advice, region, cell, workers, gateways }: Advice): string | undefined {
  const parts: string[] = [];
  if (advice === "drain") parts.push(`Drain ${cell ?? `a cell in ${region}`}.`);
  if (advice === "add") parts.push(region === undefined ? "Add a cell." : `Add a cell in ${region}.`);
  // Instead of a cell, and then that is not advised.
  if (workers !== undefined) parts.push(`Run ${workers.count} workers of ${workers.cell}.`);
  if (gateways === "add") parts.push("Add a gateway.");
  return parts.length === 0 ? undefined : parts.join(" ");
}
