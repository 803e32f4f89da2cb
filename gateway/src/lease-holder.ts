import { subjects } from "@plexus/protocol";
import type { DirectoryStore, Logger, NatsConnection } from "@plexus/runtime";
import { homeOf, onReconnect } from "@plexus/runtime";
import type { Relays } from "./relays.js";

const RENEW_INTERVAL_MS = 2_000;
const RENEW_DEADLINE_MS = 1_500;

/**
 * Renews this gateway's presence lease in every cell. A lease whose token changed means that the cell's Redis
 * was emptied, or gave this gateway up: all members that live in that cell are announced again.
 */
export class LeaseHolder {
  readonly #nats: NatsConnection;
  readonly #directory: DirectoryStore;
  readonly #relays: Relays;
  readonly #gateway: string;
  readonly #log: Logger;
  readonly #tokens = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(context: {
    nats: NatsConnection;
    directory: DirectoryStore;
    relays: Relays;
    gateway: string;
    log: Logger;
  }) {
    this.#nats = context.nats;
    this.#directory = context.directory;
    this.#relays = context.relays;
    this.#gateway = context.gateway;
    this.#log = context.log;
    this.#renewAll();
    // Those who were quicker to be back wait for no longer than a lease.
    onReconnect(this.#nats, () => this.#renewAll());
    this.#timer = setInterval(() => this.#renewAll(), RENEW_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #renewAll(): void {
    for (const { id } of this.#directory.current.cells) void this.#renew(id);
  }

  async #renew(cell: string): Promise<void> {
    try {
      const options = { timeout: RENEW_DEADLINE_MS };
      const answer = await this.#nats.request(subjects.lease(cell), this.#gateway, options);
      const token = answer.string();
      const before = this.#tokens.get(cell);
      this.#tokens.set(cell, token);
      if (before !== undefined && before !== token) this.#announceAgain(cell);
    } catch (error) {
      this.#log.debug({ err: error, cell }, "presence lease could not be renewed");
    }
  }

  #announceAgain(cell: string): void {
    this.#log.warn({ cell }, "presence lease was lost, announcing all members again");
    for (const relay of this.#relays.all()) {
      const home = homeOf(this.#directory.current, relay.tenant, relay.channel);
      if (home?.cell === cell) relay.announceAgain();
    }
  }
}
