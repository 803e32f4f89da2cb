/**
 * One history of a channel's members: connections come and go at gateways, of which some are killed; the actor dies,
 * Redis is away or emptied, events and questions are lost, late or repeated. When nothing goes wrong any more, every
 * gateway must show exactly who is here, also once the actor has to begin again from what Redis has. Seeds and replay as in `history.ts`.
 */
import { Seeded } from "../harness/seeded.js";
import { weatherOf } from "./faults.js";
import { FAIR, Network } from "./network.js";
import { PresenceActor, Redis } from "./presence-actor.js";
import { PresenceGateway } from "./presence-gateway.js";
import { Schedule } from "./schedule.js";

const LONGEST_TROUBLE_MS = 15_000;
const MAX_STEPS_OF_PEOPLE = 14;
const MAX_FAULTS = 5;
const CONVERGES_WITHIN_MS = 90_000;
/** And it has to stay as it is. */
const STAYS_MS = 10_000;

export interface PresenceOptions {
  /** A bug on purpose: nobody leaves when a lease ends. */
  readonly leasesNeverEnd?: boolean;
  readonly trace?: (line: string) => void;
}

export function runPresenceHistory(seed: number, options: PresenceOptions = {}): string | null {
  const history = new PresenceHistory(seed, options);
  history.run();
  return history.violation;
}

class PresenceHistory {
  violation: string | null = null;
  readonly #schedule: Schedule;
  readonly #network: Network;
  readonly #redis = new Redis();
  readonly #actor: PresenceActor;
  #gateways: PresenceGateway[] = [];
  #made = 0;
  #trouble = true;
  #statesCount = true;

  constructor(seed: number, { leasesNeverEnd = false, trace }: PresenceOptions) {
    this.#schedule = new Schedule(new Seeded(seed), trace ?? null);
    this.#network = new Network(this.#schedule, weatherOf(seed));
    const announce = (event: Parameters<PresenceGateway["event"]>[0]) => {
      this.#schedule.note(() => `event ${JSON.stringify(event)}`);
      for (const gateway of this.#gateways)
        this.#network.send(gateway.life, "event", () => gateway.event(event));
    };
    this.#actor = new PresenceActor(this.#network, this.#redis, announce, !leasesNeverEnd);
    for (let i = 0; i < 2; i++) this.#addGateway();
  }

  run(): void {
    const { random } = this.#schedule;
    const troubleMs = random.next() * LONGEST_TROUBLE_MS;
    const people = [() => this.#come(), () => this.#come(), () => this.#go(), () => this.#change()];
    const faults = [
      () => this.#killGateway(),
      () => this.#killActor(),
      () => this.#empty(),
      () => this.#goAway(),
    ];
    const plan = (n: number, what: ReadonlyArray<() => void>) => {
      for (; n > 0; n--)
        this.#schedule.after(random.next() * troubleMs, null, () => this.#trouble && random.pick(what)());
    };
    plan(random.int(1, MAX_STEPS_OF_PEOPLE), people);
    plan(random.int(0, MAX_FAULTS), faults);
    const ends = this.#schedule.now + troubleMs;
    this.#until(() => this.#schedule.now >= ends);
    this.#schedule.note(() => "-- from now on nothing goes wrong");
    this.#trouble = false;
    this.#redis.away = false;
    this.#network.weather = FAIR;
    this.#comeRight();
    this.#killActor();
    this.#comeRight();
  }

  #comeRight(): void {
    const deadline = this.#schedule.now + CONVERGES_WITHIN_MS;
    this.#until(() => this.#schedule.now >= deadline);
    const staysUntil = deadline + STAYS_MS;
    this.#until(() => this.#schedule.now >= staysUntil || this.#wrong() !== null);
    this.violation ??= this.#wrong();
  }

  /** Who shows something else than what is true. */
  #wrong(): string | null {
    const here = this.#namesOf(this.#gateways.flatMap(({ members }) => [...members.values()]));
    for (const { name, shown } of this.#gateways) {
      const there = this.#namesOf(shown.values());
      if (there !== here) return `${name} shows [${there}], and [${here}] are here`;
    }
    return null;
  }

  #namesOf(members: Iterable<{ conn: string; state: unknown }>): string {
    const names = [...members].map(({ conn, state }) =>
      this.#statesCount ? `${conn}:${String(state)}` : conn,
    );
    return names.sort().join(" ");
  }

  #until(holds: () => boolean): void {
    while (this.violation === null && !holds()) {
      this.#schedule.step();
      if (this.#schedule.chance(this.#network.weather.crash)) this.#killActor();
    }
  }

  #addGateway(): void {
    const { length } = this.#gateways;
    const context = {
      network: this.#network,
      actor: this.#actor,
      redis: this.#redis,
      fail: (violation: string) => {
        this.violation ??= violation;
      },
      overtaken: () => {
        this.#statesCount = false;
      },
    };
    this.#gateways.push(new PresenceGateway(context, `g${this.#made++}-${length}`));
  }

  #come(): void {
    const conn = `c${this.#made++}`;
    this.#schedule.random.pick(this.#gateways).put({ conn, user: "u", state: 0, since: 1 });
  }

  #go(): void {
    const gateway = this.#schedule.random.pick(this.#gateways);
    const [conn] = gateway.members.keys();
    if (conn !== undefined) gateway.remove(conn);
  }

  #change(): void {
    const gateway = this.#schedule.random.pick(this.#gateways);
    const [member] = gateway.members.values();
    if (member !== undefined) gateway.put({ ...member, state: this.#made++ });
  }

  /** Its process is killed, and another one begins under another name. */
  #killGateway(): void {
    const gateway = this.#schedule.random.pick(this.#gateways);
    this.#schedule.note(() => `${gateway.name} is killed`);
    gateway.life.alive = false;
    this.#gateways = this.#gateways.filter((other) => other !== gateway);
    this.#addGateway();
  }

  #killActor(): void {
    this.#schedule.note(() => "the actor is killed");
    this.#actor.crash();
  }

  #empty(): void {
    this.#schedule.note(() => "Redis is emptied");
    this.#redis.empty();
  }

  #goAway(): void {
    this.#schedule.note(() => "Redis is away");
    this.#redis.away = true;
    this.#schedule.after(this.#schedule.random.int(100, 4_000), null, () => {
      this.#redis.away = false;
    });
  }
}
