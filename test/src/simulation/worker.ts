/** One worker of a cell: whether it believes to own the channel's partition, and its actor. */
import type { ChannelLogs } from "@plexus/cells/cores";
import { PlexusError, subjects } from "@plexus/protocol";
import type { Directory, ReleaseAnswer } from "@plexus/runtime";
import { Actor, type ActorContext } from "./actor.js";
import type { Bug } from "./bugs.js";
import { Caller, type Cells, type Command, type Settled, TENANT } from "./calls.js";
import type { Network } from "./network.js";
import { type Life, newLife } from "./schedule.js";
import type { SimulatedLog } from "./simulated-log.js";

const HAND_OVER_DEADLINE_MS = 3_000;
/** A worker that stood still for longer throws its actors away, and drops the commands that waited for it. */
const GIVEN_UP_AFTER_MS = 2_000;
/** After a change of owners all agree again by then. */
const OWNERS_AGREE_MS = 2_000;

export interface WorkerContext
  extends Pick<ActorContext, "newEpoch" | "acknowledging" | "servesEmpty" | "channel"> {
  readonly network: Network;
  readonly cells: Cells;
  readonly logs: ReadonlyMap<string, SimulatedLog>;
  readonly bug: Bug | null;
}

export class Worker {
  readonly cell: string;
  readonly name: string;
  life: Life = newLife();
  directory: Directory;
  /** While it stands still: for so long that it forgets what waits for it. */
  dropsCommands = false;
  #owns = true;
  #actor: Actor | null = null;
  /** Under way, also for actors that are over by now. */
  #takeOvers = 0;
  /** Its clock is ahead of the log's by so much. */
  readonly #aheadMs: number;
  readonly #context: WorkerContext;

  constructor(context: WorkerContext, cell: string, name: string, directory: Directory) {
    this.#context = context;
    this.cell = cell;
    this.name = name;
    this.directory = directory;
    this.#aheadMs = context.network.schedule.random.int(-500, 500);
  }

  get owns(): boolean {
    return this.#owns;
  }
  set owns(owns: boolean) {
    if (this.#owns === owns) return;
    this.#owns = owns;
    this.#context.network.schedule.note(() => `${this.name} ${owns ? "owns" : "has lost"} the channel`);
    if (!owns) this.#actor?.close();
    else this.beginAnewLater();
  }

  /**
   * Ahead of the product: while two owned the channel the other one may have stored what the actor here has not heard
   * of, and would not before its next append.
   */
  beginAnewLater(): void {
    this.#context.network.schedule.after(OWNERS_AGREE_MS, this.life, () => this.#actor?.close());
  }

  /** The process is killed, and begins anew. What it sent is still on its way. */
  crash(directory: Directory): void {
    this.life.alive = false;
    this.life = newLife();
    this.#actor = null;
    this.#takeOvers = 0;
    this.directory = directory;
  }

  /** Stands still, and goes on later. */
  freeze(ms: number): void {
    const { schedule } = this.#context.network;
    this.life.standsStillUntil = schedule.now + ms;
    this.dropsCommands = ms > GIVEN_UP_AFTER_MS;
    if (!this.dropsCommands) return;
    schedule.after(ms, this.life, () => {
      schedule.note(() => `${this.name} goes on, and throws its actor away`);
      this.#actor?.close();
    });
  }

  sees(directory: Directory): void {
    if (directory.version <= this.directory.version) return;
    this.directory = directory;
    this.#context.network.schedule.note(() => `${this.name} sees directory ${directory.version}`);
    // Ahead of the product: a cell that was given up may have been sealed from outside, and what its actors know is
    // of the past then.
    const givenUp = directory.cells.some(({ id, state }) => id === this.cell && state === "down");
    if (this.#actor !== null && (givenUp || !this.#actor.serves || this.#actor.isStray)) this.#actor.close();
  }

  /** It may still begin a channel that is at home elsewhere by now. */
  get mayBegin(): boolean {
    return this.#takeOvers > 0 || (this.#actor?.mayBegin ?? false);
  }

  receive(command: Command, answer: Settled): void {
    if (command.kind !== "release" && this.#actor !== null && !this.#actor.serves && this.#actor.isHome)
      this.#actor.close();
    this.#actor ??= this.#newActor();
    this.#actor.handle(command, answer);
  }

  #newActor(): Actor {
    const { network, channel, bug, newEpoch, acknowledging, servesEmpty, cells, logs } = this.#context;
    const { schedule } = network;
    const { life } = this;
    const caller = new Caller(network, life, cells, channel, () => this.directory);
    schedule.note(() => `${this.name} makes an actor`);
    return new Actor({
      ...{ schedule, cell: this.cell, channel, bug, newEpoch, acknowledging, servesEmpty },
      logs: this.#logs(life),
      append: (append, done) => logs.get(this.cell)!.append(life, true, append, done),
      directory: () => this.directory,
      clock: () => Math.floor(schedule.now) + this.#aheadMs,
      release: (cell) => this.#askForRelease(caller, cell),
      takesOver: (more) => {
        if (life.alive) this.#takeOvers += more;
      },
      closed: (actor) => {
        if (this.#actor === actor) this.#actor = null;
      },
    });
  }

  #askForRelease(caller: Caller, cell: string): Promise<ReleaseAnswer> {
    return this.#context.network.schedule.question<ReleaseAnswer>(({ resolve, reject }) =>
      caller.ask(
        { kind: "release", body: { to: this.cell } },
        (error, body) => {
          if (error === null) resolve(body as ReleaseAnswer);
          else reject(new PlexusError("unavailable", error[1]));
        },
        cell,
        HAND_OVER_DEADLINE_MS,
      ),
    );
  }

  #logs(life: Life): ChannelLogs {
    const { logs, channel } = this.#context;
    const port = (cell: string) => logs.get(cell)!.port(life, cell === this.cell);
    return {
      cell: this.cell,
      own: port(this.cell),
      of: (cell) => Promise.resolve(port(cell)),
      subject: (cell) => subjects.log(cell, TENANT, channel),
    };
  }
}
