/**
 * One history of a simulated world: some seconds in which things go wrong, then none, and everything must come right.
 *
 * The model is TigerBeetle's simulator: the product's own decisions (channel, loading, taking over, reading, relay,
 * directory, placement) over a simulated log, bus and clock, all of it from one seed, so that what fails once fails
 * again: `PLEXUS_SIM_SEED=<n> node --test test/dist/simulation/simulation.test.js` prints what happened in that world.
 *
 * Promises of the product are real ones; they get on as far as they can between two events (`schedule.ts`). The shells
 * around the decisions are small copies for simulated ones, as the real ones read the clock and own sockets.
 */
import type { Bug } from "./bugs.js";
import { Faults, weatherOf } from "./faults.js";
import { Mover } from "./mover.js";
import { World } from "./world.js";

const LONGEST_TROUBLE_MS = 8_000;
const LONGEST_OF_ALL_MS = 30_000;
/** Some worlds live so long that ids of the window expire. */
const LONG_LIFE_MS = 200_000;
/** Relays compare heads about every 30 s; all else comes right sooner. */
const RECOVERS_WITHIN_MS = 120_000;
const LIVE_WITHIN_MS = 60_000;
const MAX_STEPS = 100_000;

export interface Outcome {
  readonly seed: number;
  /** What was not as promised. */
  readonly violation: string | null;
  readonly steps: number;
  /** How often subscribers were told to go on elsewhere. */
  readonly resets: number;
}

export async function runHistory(
  seed: number,
  options: { bug?: Bug; trace?: (line: string) => void } = {},
): Promise<Outcome> {
  const history = new History(seed, options.bug ?? null, options.trace ?? null);
  await history.run();
  const { judge, schedule } = history.world;
  return { seed, violation: judge.violation, steps: schedule.steps, resets: judge.resets };
}

class History {
  readonly world: World;
  readonly #faults: Faults;
  readonly #weather;

  constructor(seed: number, bug: Bug | null, trace: ((line: string) => void) | null) {
    this.#weather = weatherOf(seed);
    this.world = new World(seed, this.#weather, bug, trace);
    this.#faults = new Faults(this.world);
    new Mover(this.world);
  }

  async run(): Promise<void> {
    const { schedule, judge } = this.world;
    const longest = schedule.chance(0.1) ? LONGEST_OF_ALL_MS : LONGEST_TROUBLE_MS;
    const troubleMs = schedule.random.next() * longest;
    this.#faults.plan(troubleMs);
    this.#publishWithin(troubleMs);
    const ends = schedule.now + troubleMs;
    await this.#until(() => schedule.now >= ends, troubleMs * 2);
    this.#faults.end();
    if (schedule.chance(0.05)) await this.#liveLong();
    await this.#comeRight();
    await this.#lastWord();
    schedule.note(() => judge.violation ?? "all is well");
  }

  #publishWithin(ms: number): void {
    const { schedule, publishers } = this.world;
    for (const publisher of publishers) {
      for (let n = schedule.random.int(1, 5); n > 0; n--)
        schedule.after(schedule.random.next() * ms, null, () => publisher.publish());
      for (let n = schedule.random.int(0, 3); n > 0; n--) {
        const at = schedule.random.next() * ms;
        for (let together = schedule.random.int(1, 4); together > 0; together--)
          schedule.after(at, null, () => publisher.aside());
      }
    }
  }

  /** Messages far apart, some of them again. */
  async #liveLong(): Promise<void> {
    const { schedule, publishers } = this.world;
    this.#publishWithin(LONG_LIFE_MS);
    for (const publisher of publishers)
      for (let n = 0; n < 3; n++)
        schedule.after(schedule.random.next() * LONG_LIFE_MS, null, () => publisher.repeat());
    const ends = schedule.now + LONG_LIFE_MS;
    await this.#until(() => schedule.now >= ends, LONG_LIFE_MS * 2);
  }

  /** Everything is acknowledged, everybody has everything, and the channel lives in one cell. */
  async #comeRight(): Promise<void> {
    const { world } = this;
    const { judge } = world;
    const missing = () => this.#missing();
    if (!(await this.#until(() => missing() === null, RECOVERS_WITHIN_MS)))
      judge.fail(`not right again after ${RECOVERS_WITHIN_MS / 1_000} s: ${missing()}`);
    const { owners, home } = world;
    if (owners.length > 1 || (owners.length === 1 && owners[0] !== home))
      judge.fail(`the channel lives in ${owners.join(" and ")}, and is at home in ${home}`);
  }

  /** The channel is live: what is published now is acknowledged, and reaches everybody. */
  async #lastWord(): Promise<void> {
    for (const publisher of this.world.publishers) publisher.publish();
    if (!(await this.#until(() => this.#missing() === null, LIVE_WITHIN_MS)))
      this.world.judge.fail(`not live after ${LIVE_WITHIN_MS / 1_000} s: ${this.#missing()}`);
    const { owners, home } = this.world;
    if (owners.join() !== home)
      this.world.judge.fail(`the channel lives in ${owners.join(" and ") || "no cell"}`);
  }

  /** What is still to come, in words. */
  #missing(): string | null {
    const { publishers, subscribers, directory, logs, home, judge } = this.world;
    const waits = publishers.find(({ isDone }) => !isDone);
    if (waits !== undefined) return `${waits.user} waits for an acknowledgement`;
    if (directory.operation) return `operation ${directory.operation} is under way`;
    const down = directory.cells.find(({ state }) => state === "down");
    if (down !== undefined) return `${down.id} has not come back`;
    const newest = logs.get(home)!.newest?.head;
    if (newest === undefined) return null;
    const head = judge.head(newest.epoch);
    const behind = subscribers.find(
      ({ position }) => position?.epoch !== newest.epoch || position.seq !== head,
    );
    if (behind === undefined) return null;
    return `${behind.name} stands at ${JSON.stringify(behind.position)}, the channel at ${newest.epoch}/${head}`;
  }

  /** Lets the world go on until something holds; false if that takes too long, or something was not as promised. */
  async #until(holds: () => boolean, withinMs: number): Promise<boolean> {
    const { world } = this;
    const { schedule, judge, network } = world;
    const deadline = schedule.now + withinMs;
    while (judge.violation === null && !holds()) {
      if (schedule.now > deadline || schedule.steps > MAX_STEPS || !schedule.step()) return false;
      if (schedule.unsettled) await schedule.settle();
      if (schedule.crashed !== null) judge.fail(`a task failed: ${String(schedule.crashed)}`);
      if (schedule.chance(network.weather.crash)) world.crashWorker(schedule.random.pick(world.workers));
    }
    return true;
  }
}
