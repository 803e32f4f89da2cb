/** Commands on their way to a channel's actor, sent again until there is an answer: as `Router` of the product does. */
import type { Commands, Directory, WireError } from "@plexus/runtime";
import { homeOf } from "@plexus/runtime";
import type { Network } from "./network.js";
import type { Happening, Life } from "./schedule.js";

export const TENANT = "acme";

type Asked = "publish" | "read" | "head" | "release";
export type Command = { [K in Asked]: { kind: K; body: Commands[K]["ask"] } }[Asked];
export type Settled = (error: WireError | null, body: unknown) => void;

/** The workers of all cells, as the bus sees them. */
export interface Cells {
  /** Brings a command to an owner of the channel in a cell; null if nobody is there. */
  command(cell: string, command: Command, answer: Settled): "taken" | "nobody";
}

const ATTEMPT_MS = 3_000;
const DEADLINE_MS = 10_000;
const FIRST_RETRY_MS = 25;
const MAX_RETRY_MS = 500;

interface Call {
  readonly command: Command;
  readonly cell: string | undefined;
  readonly settle: Settled;
  readonly deadlineAt: number;
  attempts: number;
  done: boolean;
  timer: Happening | null;
}

export class Caller {
  readonly #network: Network;
  readonly #life: Life;
  readonly #cells: Cells;
  readonly #channel: string;
  readonly #directory: () => Directory;

  constructor(network: Network, life: Life, cells: Cells, channel: string, directory: () => Directory) {
    this.#network = network;
    this.#life = life;
    this.#cells = cells;
    this.#channel = channel;
    this.#directory = directory;
  }

  /** Asks the actor at the channel's home of the moment, or in the cell given. */
  ask(command: Command, settle: Settled, cell?: string, deadlineMs = DEADLINE_MS): void {
    const { schedule } = this.#network;
    const deadlineAt = schedule.now + deadlineMs;
    const call: Call = { command, cell, settle, deadlineAt, attempts: 0, done: false, timer: null };
    this.#send(call);
  }

  #send(call: Call): void {
    const { schedule } = this.#network;
    if (call.done) return;
    if (schedule.now >= call.deadlineAt)
      return this.#settle(call, ["timeout", "no answer in time", 1_000], null);
    call.attempts++;
    this.#again(call, ATTEMPT_MS);
    const cell = call.cell ?? homeOf(this.#directory(), TENANT, this.#channel)?.cell;
    if (cell === undefined) return;
    const { kind } = call.command;
    this.#network.send(null, `${kind} to ${cell}`, () => {
      const answer: Settled = (error, body) =>
        this.#network.send(this.#life, `answer to ${kind}`, () => this.#answered(call, error, body));
      if (this.#cells.command(cell, call.command, answer) === "nobody")
        answer(["moved", "nobody is there", null], null);
    });
  }

  #answered(call: Call, error: WireError | null, body: unknown): void {
    if (call.done) return;
    if (error?.[0] !== "moved") return this.#settle(call, error, body);
    this.#again(call, Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(9, call.attempts - 1)));
  }

  #again(call: Call, ms: number): void {
    const { schedule } = this.#network;
    if (call.timer !== null) call.timer.cancelled = true;
    const waitMs = Math.min(ms, Math.max(0, call.deadlineAt - schedule.now));
    call.timer = schedule.after(waitMs, this.#life, () => this.#send(call));
  }

  #settle(call: Call, error: WireError | null, body: unknown): void {
    call.done = true;
    if (call.timer !== null) call.timer.cancelled = true;
    call.settle(error, body);
  }
}
