/** What goes wrong in a history, and when: drawn from the seed. */
import { activate, declareDown, drain } from "@plexus/runtime";
import { Seeded } from "../harness/seeded.js";
import { FAIR, type Weather } from "./network.js";
import type { Worker } from "./worker.js";
import type { World } from "./world.js";

/** In most histories a few, in some one upon the other. */
const FEW_FAULTS = 8;
const MANY_FAULTS = 30;

/** Of each kind none at all, a little, or much: a world where everything fails at once shows less. */
export function weatherOf(seed: number): Weather {
  const random = new Seeded(seed ^ 0x5eed);
  const some = (most: number) => (random.next() < 0.5 ? 0 : random.next() * most);
  return {
    lost: some(0.25),
    twice: some(0.2),
    slow: some(0.15),
    refused: some(0.1),
    crash: some(0.03),
  };
}

export class Faults {
  readonly #world: World;
  #operations = 0;
  #over = false;
  /** Cell → the worker to which the channel was handed over last. */
  readonly #heirs = new Map<string, Worker>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Plans some of them for the time to come. */
  plan(withinMs: number): void {
    const { schedule } = this.#world;
    const { random } = schedule;
    const faults = [
      ...[() => this.#handOver(), () => this.#handOver(), () => this.#freeze(), () => this.#crash()],
      ...[() => this.#crashGateway(), () => this.#cut(), () => this.#cut(), () => this.#repeat()],
      ...[() => this.#drain(), () => this.#drain(), () => this.#activate(), () => this.#giveUp()],
    ];
    for (let n = random.int(0, schedule.chance(0.15) ? MANY_FAULTS : FEW_FAULTS); n > 0; n--)
      this.#later(random.next() * withinMs, random.pick(faults));
  }

  #later(ms: number, fault: () => void): void {
    this.#world.schedule.after(ms, null, () => {
      if (!this.#over) fault();
    });
  }

  /** From now on nothing goes wrong any more. */
  end(): void {
    const world = this.#world;
    this.#over = true;
    world.schedule.note(() => "-- from now on nothing goes wrong");
    world.network.weather = FAIR;
    world.cutOff.clear();
    for (const log of world.logs.values()) {
      log.reachable = true;
      const owner = this.#heirs.get(log.cell) ?? world.schedule.random.pick(world.workersOf(log.cell));
      for (const worker of world.workersOf(log.cell)) worker.owns = worker === owner;
      owner.beginAnewLater();
    }
  }

  /** The workers of a cell disagree about who owns the channel, for a moment or longer: both do, or nobody does. */
  #handOver(): void {
    const { schedule, home } = this.#world;
    const workers = this.#world.workersOf(home);
    const [from, to] = workers[0]!.owns ? workers : workers.toReversed();
    this.#heirs.set(home, to!);
    for (const [worker, owns] of [[from!, false] as const, [to!, true] as const])
      this.#later(schedule.random.next() * 1_000, () => {
        worker.owns = owns;
      });
  }

  #anyWorker() {
    const { schedule, workers } = this.#world;
    const owners = workers.filter(({ owns }) => owns);
    return schedule.random.pick(schedule.chance(0.8) && owners.length > 0 ? owners : workers);
  }

  #freeze(): void {
    const { schedule } = this.#world;
    const worker = this.#anyWorker();
    const ms = schedule.random.int(100, 5_000);
    schedule.note(() => `${worker.name} stands still for ${ms} ms`);
    worker.freeze(ms);
  }

  #crash(): void {
    this.#world.crashWorker(this.#anyWorker());
  }

  #crashGateway(): void {
    this.#world.crashGateway(this.#world.schedule.random.pick(this.#world.gateways));
  }

  #cut(): void {
    const { random } = this.#world.schedule;
    const client = random.pick([...this.#world.subscribers, ...this.#world.publishers]);
    this.#world.schedule.note(() => `${"name" in client ? client.name : client.user} loses its connection`);
    client.cut();
  }

  #repeat(): void {
    this.#world.schedule.random.pick(this.#world.publishers).repeat();
  }

  #drain(): void {
    const { home } = this.#world;
    this.#change(`${home} is drained`, (directory, id) => drain(directory, home, id));
  }

  #activate(): void {
    const { directory, schedule } = this.#world;
    const others = directory.cells.filter(({ state }) => state === "draining" || state === "drained");
    if (others.length === 0) return;
    const { id: cell } = schedule.random.pick(others);
    this.#change(`${cell} is activated`, (current, id) => activate(current, cell, id));
  }

  /** A cell is cut off for a while, its workers killed or not, its log in reach of the others or not. */
  #giveUp(): void {
    const world = this.#world;
    const { schedule, home } = world;
    if (!schedule.chance(0.6)) return;
    const graceMs = schedule.random.int(100, 1_500);
    world.cutOff.add(home);
    world.logs.get(home)!.reachable = schedule.chance(0.6);
    schedule.note(() => `${home} is cut off`);
    if (schedule.chance(0.5)) for (const worker of world.workersOf(home)) world.crashWorker(worker);
    this.#later(graceMs, () =>
      this.#change(`${home} is given up`, (current, id) => {
        const without = declareDown(current, home, id);
        world.givenUp.add(home);
        return without;
      }),
    );
    this.#later(graceMs + schedule.random.int(0, 4_000), () => {
      world.cutOff.delete(home);
      world.logs.get(home)!.reachable = true;
    });
  }

  #change(
    what: string,
    change: (directory: World["directory"], operation: string) => World["directory"],
  ): void {
    const operation = `op${++this.#operations}`;
    try {
      this.#world.change((directory) => change(directory, operation), what);
    } catch (error) {
      this.#world.schedule.note(() => `refused: ${what}: ${String(error)}`);
    }
  }
}
