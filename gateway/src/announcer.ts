/**
 * Tells a channel's actor who of this gateway's connections is a member there. Changes gather while a message
 * is under way, so order is kept and a busy channel costs no more messages than a quiet one. What fails is
 * said again until it is heard.
 */
import { type Member, PlexusError } from "@plexus/protocol";
import { jitteredMs, type Logger, type Router } from "@plexus/runtime";
import * as metrics from "./metrics.js";

const RETRY_MS = 1_000;
/** Members in one message; a state is 4 KB at most, and a message far below the broker's 1 MB. */
const MAX_CHANGES = 100;
/** Beyond so many that have gone and are not told of yet, the actor is told instead who is here. */
const MAX_GONE = 1_000;

/** Of the channels without members here, which most are: shared by all of them, and never added to. */
const NOBODY = new Map<string, Member>();
const NOTHING = new Set<string>();

export class Announcer {
  readonly #router: Router;
  readonly #gateway: string;
  readonly #tenant: string;
  readonly #channel: string;
  readonly #log: Logger;
  #members = NOBODY;
  #changed = NOTHING;
  /** Everything is to be said again: the cell forgot it, or may have. */
  #again = false;
  #underWay = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: { router: Router; gateway: string; tenant: string; channel: string; log: Logger }) {
    this.#router = context.router;
    this.#gateway = context.gateway;
    this.#tenant = context.tenant;
    this.#channel = context.channel;
    this.#log = context.log;
  }

  get size(): number {
    return this.#members.size;
  }
  /** The actor has heard everything. */
  get settled(): boolean {
    return !this.#underWay && this.#changed.size === 0 && !this.#again;
  }

  get(conn: string): Member | undefined {
    return this.#members.get(conn);
  }

  put(member: Member): void {
    if (this.#members === NOBODY) {
      this.#members = new Map();
      this.#changed = new Set();
    }
    this.#members.set(member.conn, member);
    this.#change(member.conn);
  }

  remove(conn: string): void {
    if (this.#members.delete(conn)) this.#change(conn);
  }

  announceAgain(): void {
    if (this.#members.size === 0 && this.settled) return;
    this.#sayAll();
    this.#schedule(0);
  }

  #sayAll(): void {
    this.#again = true;
    this.#changed.clear();
    for (const conn of this.#members.keys()) this.#changed.add(conn);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #change(conn: string): void {
    this.#changed.add(conn);
    if (this.#changed.size > this.#members.size + MAX_GONE) this.#sayAll();
    this.#schedule(0);
  }

  #schedule(waitMs: number): void {
    if (this.#underWay || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, waitMs);
  }

  async #send(): Promise<void> {
    this.#underWay = true;
    const conns = [...this.#changed].slice(0, MAX_CHANGES);
    for (const conn of conns) this.#changed.delete(conn);
    const put = conns.map((conn) => this.#members.get(conn)).filter((member) => member !== undefined);
    const del = conns.filter((conn) => !this.#members.has(conn));
    const refresh = this.#again;
    // The last message of a repetition names everybody, so that the actor forgets whoever is not here.
    const all = refresh && this.#changed.size === 0 ? [...this.#members.keys()] : null;
    metrics.announcements.inc({ kind: refresh ? "again" : "change" });
    try {
      const change = { gateway: this.#gateway, put, del, refresh, all };
      const bytes = JSON.stringify(change).length;
      await this.#router.ask("members", this.#tenant, this.#channel, change, bytes);
      if (all !== null && this.#changed.size === 0) this.#again = false;
      this.#underWay = false;
      if (!this.settled) this.#schedule(0);
    } catch (error) {
      this.#underWay = false;
      if (error instanceof PlexusError && error.code === "limit_reached") {
        // Those that were not admitted are announced again when heads are compared, not all the time.
        this.#log.warn(
          { tenant: this.#tenant, channel: this.#channel },
          "the channel is full, some members are not listed",
        );
        if (!this.settled) this.#schedule(jitteredMs(RETRY_MS));
        return;
      }
      this.#log.debug(
        { err: error, tenant: this.#tenant, channel: this.#channel },
        "presence could not be announced yet",
      );
      for (const conn of conns) this.#changed.add(conn);
      this.#schedule(jitteredMs(RETRY_MS));
    }
  }
}
