/**
 * A whole Plexus in one process: cells with their logs and workers, gateways with their relays, publishers and
 * subscribers, a directory that everybody sees at another time. What goes wrong, and when, comes from the seed.
 */
import { subjects } from "@plexus/protocol";
import { activate, type Directory, EMPTY_DIRECTORY, finish, homeOf, withCell } from "@plexus/runtime";
import { Seeded } from "../harness/seeded.js";
import type { Bug } from "./bugs.js";
import { type Cells, type Command, type Settled, TENANT } from "./calls.js";
import { Gateway } from "./gateway.js";
import { Judge } from "./judge.js";
import { Network, type Weather } from "./network.js";
import { Publisher } from "./publisher.js";
import { Schedule } from "./schedule.js";
import { type LogWatcher, SimulatedLog } from "./simulated-log.js";
import { Subscriber } from "./subscriber.js";
import { Worker } from "./worker.js";

const CELLS = ["c0", "c1", "c2"];
const CHANNELS = ["chat.a", "chat.b", "chat.c", "chat.d"];
const WORKERS_PER_CELL = 2;
/** Workers hear of a change within half a second or so, gateways may take their time. */
const WORKER_SEES_MS = 400;
const GATEWAY_SEES_MS = 2_000;

export class World implements Cells, LogWatcher {
  readonly schedule: Schedule;
  readonly network: Network;
  readonly judge = new Judge();
  readonly channel: string;
  readonly logs: ReadonlyMap<string, SimulatedLog>;
  readonly workers: Worker[] = [];
  readonly gateways: Gateway[] = [];
  readonly publishers: Publisher[] = [];
  readonly subscribers: Subscriber[] = [];
  /** Cells that nobody can reach, and whose events nobody gets. */
  readonly cutOff = new Set<string>();
  /** Cells that were declared down at some time. */
  readonly givenUp = new Set<string>();
  directory: Directory;
  #epochs = 0;

  constructor(seed: number, weather: Weather, bug: Bug | null, trace: ((line: string) => void) | null) {
    this.schedule = new Schedule(new Seeded(seed), trace);
    this.network = new Network(this.schedule, weather);
    const { random } = this.schedule;
    this.channel = random.pick(CHANNELS);
    const cells = CELLS.slice(0, random.int(2, 3));
    this.directory = directoryOf(cells);
    this.logs = new Map(cells.map((cell) => [cell, new SimulatedLog(cell, this.network, this, bug)]));
    this.#beginWorkers(cells, bug);
    const { network, channel } = this;
    for (let i = 0; i < 2; i++)
      this.gateways.push(new Gateway({ network, cells: this, channel, bug }, `g${i}`, this.directory));
    for (let i = 0; i < 2; i++)
      this.publishers.push(new Publisher(`p${i}`, this.gateways, this.schedule, this.judge));
    for (let i = 0; i < 3; i++)
      this.subscribers.push(new Subscriber(`s${i}`, this.gateways, this.schedule, this.judge));
  }

  get home(): string {
    return homeOf(this.directory, TENANT, this.channel)!.cell;
  }

  /** The cells whose log says that the channel lives there. */
  get owners(): string[] {
    const lives = [...this.logs.values()].filter(({ newest }) => newest && newest.head.op !== "seal");
    return lives.map(({ cell }) => cell);
  }

  workersOf(cell: string): Worker[] {
    return this.workers.filter((worker) => worker.cell === cell);
  }

  command(cell: string, command: Command, answer: Settled): "taken" | "nobody" {
    const owners = this.workersOf(cell).filter(({ owns, life }) => owns && life.alive);
    if (this.cutOff.has(cell)) return "taken";
    if (owners.length === 0) return "nobody";
    const worker = this.schedule.random.pick(owners);
    const waitMs = worker.life.standsStillUntil - this.schedule.now;
    if (waitMs <= 0) worker.receive(command, answer);
    else if (!worker.dropsCommands)
      this.schedule.after(waitMs, worker.life, () => worker.owns && worker.receive(command, answer));
    return "taken";
  }

  stored(...[cell, record, before]: Parameters<LogWatcher["stored"]>): void {
    const { op, n } = record.head;
    this.schedule.note(() => `${cell} stores ${op} ${record.head.epoch}/${record.head.seq} (${n})`);
    this.judge.stored(cell, record, before);
  }

  /** The log of a cell that was given up and does not answer is the one thing that excuses a new epoch. */
  silent(cell: string): void {
    if (this.givenUp.has(cell)) this.judge.mayBeginAnew = true;
  }

  publish(cell: string, bytes: Uint8Array): void {
    if (this.cutOff.has(cell)) return;
    for (const gateway of this.gateways)
      this.network.send(null, `event to ${gateway.name}`, () => gateway.event(bytes));
  }

  change(change: (directory: Directory) => Directory, what: string): void {
    this.directory = change(this.directory);
    const { directory, schedule } = this;
    schedule.note(() => `directory ${directory.version}: ${what}, home is ${this.home}`);
    for (const worker of this.workers)
      schedule.after(schedule.random.next() * WORKER_SEES_MS, null, () => worker.sees(directory));
    for (const gateway of this.gateways)
      schedule.after(schedule.random.next() * GATEWAY_SEES_MS, null, () => gateway.sees(directory));
  }

  crashGateway(gateway: Gateway): void {
    this.schedule.note(() => `${gateway.name} is killed`);
    gateway.crash(this.directory);
    for (const publisher of this.publishers) if (publisher.isAt(gateway)) publisher.cut();
    for (const subscriber of this.subscribers) if (subscriber.isAt(gateway)) subscriber.cut();
  }

  crashWorker(worker: Worker): void {
    this.schedule.note(() => `${worker.name} is killed`);
    worker.crash(this.directory);
  }

  #beginWorkers(cells: readonly string[], bug: Bug | null): void {
    const context = {
      ...{ network: this.network, cells: this, logs: this.logs, bug, channel: this.channel },
      newEpoch: () => `n${++this.#epochs}`,
      servesEmpty: (epoch: string) => this.judge.servedEmpty(epoch),
      acknowledging: (...answer: Parameters<Judge["acknowledged"]>) => this.judge.acknowledged(...answer),
    };
    for (const cell of cells)
      for (let i = 0; i < WORKERS_PER_CELL; i++) {
        const worker = new Worker(context, cell, `${cell}/w${i}`, this.directory);
        worker.owns = i === 0;
        this.workers.push(worker);
      }
  }

  subjectIn(cell: string): string {
    return subjects.log(cell, TENANT, this.channel);
  }
}

function directoryOf(cells: readonly string[]): Directory {
  let directory = EMPTY_DIRECTORY;
  for (const [i, cell] of cells.entries()) {
    directory = withCell(directory, cell, "eu");
    if (i > 0) directory = finish(activate(directory, cell, "join"), "join");
  }
  return directory;
}
