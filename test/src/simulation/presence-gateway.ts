/**
 * Members at one gateway: says who is here as `gateway/src/announcer.ts` does, renews its lease, and shows what the
 * product's `PresenceView` makes of lists and events as `presence-keeper.ts` does.
 */
import { type PresenceDifference, type PresenceEventFrame, PresenceView } from "@plexus/gateway/cores";
import type { Member } from "@plexus/protocol";
import type { PresenceSnapshot, PresenceVersion } from "@plexus/runtime";
import type { Network } from "./network.js";
import type { PresenceActor, Redis } from "./presence-actor.js";
import { type Life, newLife } from "./schedule.js";

const RENEW_MS = 2_000;
const COMPARE_MS = 30_000;
const DEADLINE_MS = 3_000;
const RETRY_MS = 1_000;
const STALE_RETRY_MS = 2_000;

export interface PresenceGatewayContext {
  readonly network: Network;
  readonly actor: PresenceActor;
  readonly redis: Redis;
  fail(violation: string): void;
  /**
   * A change was heard after a later one, as one that waited in a queue may be. What it says of who is here is mended
   * when numbers are compared, what it says of their states is not.
   */
  overtaken(): void;
}

export class PresenceGateway {
  readonly name: string;
  readonly life: Life = newLife();
  /** The connections that are here. */
  readonly members = new Map<string, Member>();
  /** What its clients have been shown. */
  readonly shown = new Map<string, Member>();
  readonly #context: PresenceGatewayContext;
  readonly #view = new PresenceView();
  readonly #changed = new Set<string>();
  #again = false;
  #announcing = false;
  #reading = true;
  #queued: PresenceEventFrame[] = [];
  #token = "";
  #actorLife = "";
  #said = 0;
  #heard = 0;

  constructor(context: PresenceGatewayContext, name: string) {
    this.#context = context;
    this.name = name;
    this.#read();
    this.#renew();
    this.#compareLater();
  }

  put(member: Member): void {
    this.members.set(member.conn, member);
    this.#say(member.conn);
  }

  remove(conn: string): void {
    if (this.members.delete(conn)) this.#say(conn);
  }

  event(event: PresenceEventFrame): void {
    if (this.#reading) return void this.#queued.push(event);
    const difference = this.#view.event(event);
    if (difference === "missed") this.#read();
    else this.#show(difference);
  }

  get #schedule() {
    return this.#context.network.schedule;
  }

  /** A question to the actor: heard or not, answered or not; null after the deadline. */
  #ask<T>(serve: (answer: (value: T) => void) => void, done: (value: T | null) => void): void {
    const { network } = this.#context;
    let open = true;
    const settle = (value: T | null) => {
      if (!open) return;
      open = false;
      done(value);
    };
    this.#schedule.after(DEADLINE_MS, this.life, () => settle(null));
    network.send(null, "question", () =>
      serve((value) => network.send(this.life, "answer", () => settle(value))),
    );
  }

  #say(conn: string): void {
    this.#changed.add(conn);
    if (!this.#announcing) this.#announce();
  }

  #sayAll(): void {
    this.#again = true;
    for (const conn of this.members.keys()) this.#changed.add(conn);
    if (!this.#announcing) this.#announce();
  }

  #announce(): void {
    this.#announcing = true;
    const conns = [...this.#changed];
    this.#changed.clear();
    const put = conns.flatMap((conn) => this.members.get(conn) ?? []);
    const del = conns.filter((conn) => !this.members.has(conn));
    const all = this.#again ? [...this.members.keys()] : null;
    const change = { gateway: this.name, put, del, refresh: this.#again, all };
    const number = ++this.#said;
    this.#ask<true>(
      (answer) => {
        if (number < this.#heard) this.#context.overtaken();
        this.#heard = Math.max(this.#heard, number);
        this.#context.actor.change(change, () => answer(true));
      },
      (heard) => {
        this.#announcing = false;
        if (heard === null) for (const conn of conns) this.#changed.add(conn);
        else if (all !== null && this.#changed.size === 0) this.#again = false;
        if (this.#changed.size === 0 && !this.#again) return;
        this.#announcing = true;
        this.#schedule.after(heard === null ? RETRY_MS : 0, this.life, () => this.#announce());
      },
    );
  }

  #renew(): void {
    const { redis } = this.#context;
    this.#ask<string>(
      (answer) => {
        if (!redis.away) answer(redis.renew(this.name, this.#schedule.now));
      },
      (token) => {
        if (token === null || token === this.#token) return;
        const first = this.#token === "";
        this.#token = token;
        if (!first) this.#sayAll();
      },
    );
    this.#schedule.after(RENEW_MS, this.life, () => this.#renew());
  }

  #compareLater(): void {
    this.#schedule.after(COMPARE_MS * (0.75 + this.#schedule.random.next() / 2), this.life, () => {
      this.#ask<{ version: PresenceVersion; members: number }>(
        (answer) => this.#context.actor.seenBy(this.name, answer),
        (seen) => {
          if (seen === null) return;
          const settled = !this.#announcing && this.#changed.size === 0 && !this.#again;
          // Ahead of the product, which compares numbers alone: an actor that began anew may have forgotten what it
          // had heard, and still count right.
          const another = this.#actorLife !== seen.version[0];
          this.#actorLife = seen.version[0];
          if (settled && (another || seen.members !== this.members.size)) this.#sayAll();
          const known = this.#view.version;
          if (known === null || this.#reading) return;
          if (known[0] !== seen.version[0] || known[1] < seen.version[1]) this.#read();
        },
      );
      this.#compareLater();
    });
  }

  #read(): void {
    this.#reading = true;
    this.#ask<PresenceSnapshot>(
      (answer) => this.#context.actor.page({ at: null, from: 0 }, answer),
      (list) => {
        if (list === null) return void this.#schedule.after(RETRY_MS, this.life, () => this.#read());
        this.#show(this.#view.snapshot(list.version, list.members, list.stale));
        if (list.stale) this.#schedule.after(STALE_RETRY_MS, this.life, () => this.#reading || this.#read());
        this.#reading = false;
        for (const event of this.#queued.splice(0)) this.event(event);
      },
    );
  }

  #show(difference: PresenceDifference | null): void {
    const { fail } = this.#context;
    const { join = [], leave = [], update = [] } = difference ?? {};
    for (const { conn } of leave)
      if (!this.shown.delete(conn)) fail(`${this.name} shows that ${conn} left, which was not there`);
    for (const member of join) {
      if (this.shown.has(member.conn)) fail(`${this.name} shows that ${member.conn} joined a second time`);
      this.shown.set(member.conn, member);
    }
    for (const member of update) {
      if (!this.shown.has(member.conn))
        fail(`${this.name} shows a change of ${member.conn}, which was not there`);
      this.shown.set(member.conn, member);
    }
  }
}
