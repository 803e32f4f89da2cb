/** Gateways, the stream and a keeper as data: what happens is chosen by a property, what is told is judged by it. */
import {
  connectionEventId,
  type LifecycleEvent,
  type RosterPart,
  sourceName,
  subscriptionEventId,
} from "@plexus/runtime";
import { Fold } from "../fold.js";

export const TENANT = "t";
const GRACE_MS = 100;

type Entry =
  | { id: string; event: LifecycleEvent }
  | { id: string; roster: RosterPart }
  | { id: string; ended: string };

interface Connection {
  readonly subs: Map<number, string>;
  made: number;
}

class Gateway {
  readonly instance: string;
  readonly conns = new Map<string, Connection>();
  queue: Entry[] = [];
  alive = true;
  life = 0;
  rosters = 0;
  made = 0;
  lost = false;

  constructor(instance: string) {
    this.instance = instance;
    this.roster(true);
  }

  get source(): string {
    return sourceName(this.instance, this.life);
  }

  tell(conn: string, kind: LifecycleEvent["kind"], sub?: number, ch?: string): void {
    const id =
      sub === undefined
        ? connectionEventId(this.source, conn, kind)
        : subscriptionEventId(this.source, conn, sub, kind);
    const event: LifecycleEvent = { id, kind, tenant: TENANT, ts: 0, source: this.source, conn, user: "u" };
    this.queue.push({ id, event: sub === undefined ? event : { ...event, sub, ch: ch! } });
  }

  roster(first = false): void {
    const { source } = this;
    const roster = ++this.rosters;
    const all = [...this.conns].map(([conn, { subs }]): RosterPart["conns"][number] => [
      conn,
      "u",
      [...subs],
    ]);
    const middle = Math.floor(all.length / 2);
    const parts = all.length > 1 ? [all.slice(0, middle), all.slice(middle)] : [all];
    for (const [part, conns] of parts.entries()) {
      const last = part === parts.length - 1;
      const head = { source, tenant: TENANT, roster, part, last, first, ts: 0, conns };
      this.queue.push({ id: `${source}.${roster}.${part}`, roster: head });
    }
  }
}

export class World {
  readonly stream: Entry[] = [];
  readonly #ids = new Set<string>();
  readonly gateways: Gateway[] = [];
  #fold = new Fold(GRACE_MS);
  #read = 0;
  /** What the stream held when the keeper began. */
  #before = 0;
  #now = 0;
  #instances = 0;

  constructor(gateways: number) {
    for (let i = 0; i < gateways; i++) this.startGateway();
  }

  startGateway(): void {
    this.gateways.push(new Gateway(`g-${this.#instances++}`));
  }

  connect(at: number): void {
    const gateway = this.#gateway(at);
    if (gateway === undefined) return;
    const conn = `${gateway.instance}-${gateway.made++}`;
    gateway.conns.set(conn, { subs: new Map(), made: 0 });
    gateway.tell(conn, "connected");
  }

  disconnect(at: number, which: number): void {
    const [gateway, conn] = this.#connection(at, which);
    if (gateway === undefined || conn === undefined) return;
    for (const [sub, ch] of gateway.conns.get(conn)!.subs) gateway.tell(conn, "unsubscribed", sub, ch);
    gateway.conns.delete(conn);
    gateway.tell(conn, "disconnected");
  }

  /** Subscribes, or unsubscribes where it is subscribed. */
  toggle(at: number, which: number, channel: number): void {
    const [gateway, conn] = this.#connection(at, which);
    if (gateway === undefined || conn === undefined) return;
    const connection = gateway.conns.get(conn)!;
    const ch = `c${channel}`;
    const subscribed = [...connection.subs].find(([, name]) => name === ch);
    if (subscribed === undefined) {
      connection.subs.set(++connection.made, ch);
      gateway.tell(conn, "subscribed", connection.made, ch);
    } else {
      connection.subs.delete(subscribed[0]);
      gateway.tell(conn, "unsubscribed", subscribed[0], ch);
    }
  }

  flush(at: number, count: number): void {
    const gateway = this.#gateway(at);
    if (gateway === undefined) return;
    for (const entry of gateway.queue.splice(0, count)) this.#store(entry);
    if (!gateway.lost || gateway.queue.length > 0) return;
    gateway.lost = false;
    gateway.roster();
  }

  /** The oldest event that waits is given up. */
  lose(at: number): void {
    const gateway = this.#gateway(at);
    const oldest = gateway?.queue.findIndex((entry) => "event" in entry) ?? -1;
    if (gateway === undefined || oldest === -1) return;
    gateway.queue.splice(oldest, 1);
    gateway.lost = true;
  }

  kill(at: number): void {
    const gateway = this.#gateway(at);
    if (gateway === undefined) return;
    gateway.alive = false;
    this.startGateway();
  }

  /** The keeper takes a gateway for dead that is not; the gateway is told at some later time. */
  giveUp(at: number): void {
    const gateway = this.#gateway(at);
    if (gateway !== undefined) this.#store({ id: `${gateway.source}.ended`, ended: gateway.source });
  }

  hear(at: number): void {
    const gateway = this.#gateway(at);
    if (gateway === undefined || !this.#fold.hasEnded(gateway.source)) return;
    gateway.life++;
    gateway.roster(true);
  }

  keeperReads(count: number): void {
    for (const entry of this.stream.slice(this.#read, this.#read + count)) {
      this.#read++;
      if ("event" in entry) this.#fold.take(entry.event, this.#now);
      else if ("roster" in entry) this.#fold.takeRoster(entry.roster, this.#now);
      else this.#fold.takeEnd(entry.ended, 0, this.#now);
    }
  }

  /** What follows from what it has read, which others may have gone beyond; but all that was there when it began. */
  keeperWrites(count: number): void {
    if (this.#read < this.#before) return;
    for (const event of [...this.#fold.owed].slice(0, count)) this.#store({ id: event.id, event });
  }

  keeperDies(): void {
    this.#fold = new Fold(GRACE_MS);
    this.#read = 0;
    this.#before = this.stream.length;
  }

  pass(ms: number): void {
    this.#now += ms;
    if (this.#read >= this.#before) this.#fold.tick(this.#now, 0);
  }

  /** Everybody does what is left to do. */
  settle(): void {
    for (let round = 0; round < 12; round++) {
      for (const [at, gateway] of this.gateways.entries()) {
        if (!gateway.alive) this.#store({ id: `${gateway.source}.ended`, ended: gateway.source });
        this.hear(at);
        this.flush(at, Number.POSITIVE_INFINITY);
      }
      this.keeperReads(Number.POSITIVE_INFINITY);
      this.pass(GRACE_MS * 2);
      this.keeperWrites(Number.POSITIVE_INFINITY);
      this.keeperReads(Number.POSITIVE_INFINITY);
    }
  }

  get owed(): LifecycleEvent[] {
    return [...this.#fold.owed];
  }

  /** What was told, in order. */
  get told(): LifecycleEvent[] {
    return this.stream.flatMap((entry) => ("event" in entry ? [entry.event] : []));
  }

  /** What is so: connections, subscriptions and channels with subscribers. */
  get truth(): { conns: string[]; subs: string[]; channels: string[] } {
    const alive = this.gateways.filter(({ alive }) => alive);
    const conns = alive.flatMap(({ source, conns }) => [...conns.keys()].map((conn) => `${source} ${conn}`));
    const subs = alive.flatMap(({ source, conns }) =>
      [...conns].flatMap(([conn, { subs }]) =>
        [...subs].map(([sub, ch]) => `${source} ${conn} ${sub} ${ch}`),
      ),
    );
    return {
      conns: conns.sort(),
      subs: subs.sort(),
      channels: [...new Set(subs.map((sub) => sub.split(" ")[3]!))].sort(),
    };
  }

  #store(entry: Entry): void {
    if (this.#ids.has(entry.id)) return;
    this.#ids.add(entry.id);
    this.stream.push(entry);
  }

  #gateway(at: number): Gateway | undefined {
    const gateway = this.gateways[at % this.gateways.length];
    return gateway?.alive === true ? gateway : undefined;
  }

  #connection(at: number, which: number): [Gateway, string] | [undefined, undefined] {
    const gateway = this.#gateway(at);
    const conns = [...(gateway?.conns.keys() ?? [])];
    const conn = conns[which % Math.max(1, conns.length)];
    return gateway === undefined || conn === undefined ? [undefined, undefined] : [gateway, conn];
  }
}

/** What somebody believes who has read all that was told. */
export function believed(told: readonly LifecycleEvent[]): World["truth"] {
  const [conns, subs, channels] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const { kind, source, conn, sub, ch = "" } of told) {
    const connection = `${source} ${conn}`;
    if (kind === "connected") conns.add(connection);
    if (kind === "disconnected") conns.delete(connection);
    if (kind === "subscribed") subs.add(`${connection} ${sub} ${ch}`);
    if (kind === "unsubscribed") subs.delete(`${connection} ${sub} ${ch}`);
    if (kind === "occupied") channels.add(ch);
    if (kind === "vacated") channels.delete(ch);
  }
  return { conns: [...conns].sort(), subs: [...subs].sort(), channels: [...channels].sort() };
}
