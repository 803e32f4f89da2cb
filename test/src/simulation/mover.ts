/**
 * Sees to the channels that nobody asks for, and to cells that come back, as `cells/src/mover.ts` and `sweep.ts` do:
 * has the home open what lies elsewhere, and ends the operation once nothing is left.
 */
import { encodeControl } from "@plexus/protocol";
import { cellsToSweep, comeBack, finish } from "@plexus/runtime";
import { Caller } from "./calls.js";
import { newLife } from "./schedule.js";
import type { SimulatedLog } from "./simulated-log.js";
import type { World } from "./world.js";

const TICK_MS = 500;
/** A channel that is still here after so many looks lives at its home in a life of its own. */
const PATIENCE_LOOKS = 20;

export class Mover {
  readonly #world: World;
  readonly #life = newLife();
  readonly #caller: Caller;
  #asking = false;
  #looks = 0;

  constructor(world: World) {
    this.#world = world;
    this.#caller = new Caller(world.network, this.#life, world, world.channel, () => world.directory);
    this.#tick();
  }

  #tick(): void {
    const { schedule } = this.#world;
    schedule.after(TICK_MS, this.#life, () => {
      if (!this.#asking) this.#work();
      this.#tick();
    });
  }

  #work(): void {
    const world = this.#world;
    const { directory } = world;
    if (!this.#isSettled()) return;
    for (const { id, state } of directory.cells) if (state === "down") this.#return(id);
    const { operation } = directory;
    this.#looks = operation ? this.#looks + 1 : 0;
    if (!operation) return;
    if (cellsToSweep(directory).every((cell) => this.#isEmptied(cell)))
      world.change((current) => finish(current, operation), "the operation ends");
  }

  /**
   * What the product takes for granted when half a second has passed since the change: whoever could still begin a
   * channel that was never written to has heard of it, and what was on its way to an empty log has arrived.
   */
  #isSettled(): boolean {
    const { workers, logs, directory } = this.#world;
    if ([...logs.values()].some(({ newest, onTheWay }) => newest === undefined && onTheWay > 0)) return false;
    return workers.every((worker) => worker.directory.version >= directory.version && !worker.mayBegin);
  }

  /** A cell that was given up may come back once it lives and has let go of what is at home elsewhere. */
  #return(cell: string): void {
    const world = this.#world;
    if (world.cutOff.has(cell) || !world.workersOf(cell).some(({ owns }) => owns)) return;
    if (this.#isEmptied(cell, true)) world.change((current) => comeBack(current, cell), `${cell} comes back`);
  }

  /** Whether nothing that is at home elsewhere is left in a cell; asks for what is. */
  #isEmptied(cell: string, sealsItself = false): boolean {
    const { logs, home } = this.#world;
    const log = logs.get(cell)!;
    if (log.newest === undefined || home === cell) return true;
    const arrived = logs.get(home)!.newest;
    const isHere = log.newest.head.op !== "seal";
    if (!isHere && arrived !== undefined && arrived.head.op !== "seal") return true;
    this.#asking = true;
    this.#caller.ask({ kind: "head", body: { gateway: "" } }, (error) => {
      this.#asking = false;
      if (error === null && (sealsItself || this.#looks > PATIENCE_LOOKS)) this.#seal(log);
    });
    return false;
  }

  /** The home went on in an epoch of its own: nobody will ever ask for the channel here. */
  #seal(log: SimulatedLog): void {
    const { channel, home } = this.#world;
    const { newest } = log;
    if (newest === undefined || newest.head.op === "seal" || home === log.cell) return;
    const { epoch, seq, n } = newest.head;
    const head = { op: "seal", ch: channel, epoch, seq: seq + n, n: 0 } as const;
    const bytes = encodeControl({ ...head, to: home, fresh: false, segments: [] });
    const append = { subject: this.#world.subjectIn(log.cell), bytes, fence: newest.logSeq, opened: 0 };
    log.append(this.#life, true, append, () => undefined);
  }
}
