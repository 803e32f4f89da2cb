import { type Member, PlexusError } from "@plexus/protocol";
import type { Membership } from "./membership.js";
import type { Requests } from "./requests.js";
import type { HistoryPage, HistoryRange, Published } from "./types.js";

/** Publishes that wait for those before them. */
const MAX_WAITING = 1_000;

export interface PublishOptions {
  /** Idempotency id, 1 to 128 characters; one is made where it is missing. */
  mid?: string;
  /** Milliseconds after which it fails; repeated until then. */
  deadlineMs?: number;
  /** A W3C `traceparent`: the span that this publish belongs to, where the installation traces. */
  trace?: string;
}

/** One channel, as a bot uses it. */
export class BotChannel {
  readonly name: string;
  readonly #requests: Requests;
  readonly #join: (channel: string, state: unknown) => Promise<Membership>;
  /** The end of the publish before: two under way at once could be stored in either order. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(
    name: string,
    requests: Requests,
    join: (channel: string, state: unknown) => Promise<Membership>,
  ) {
    this.name = name;
    this.#requests = requests;
    this.#join = join;
  }

  /** Resolves once the message is durable. What fails with `timeout` may be stored: repeat it with its `mid`. */
  publish(
    data: unknown,
    { mid = crypto.randomUUID(), deadlineMs, trace }: PublishOptions = {},
  ): Promise<Published> {
    if (this.#waiting >= MAX_WAITING)
      return Promise.reject(new PlexusError("rate_limited", "too many publishes wait", { retry: 100 }));
    this.#waiting++;
    const publish = () =>
      this.#requests.ask<Published & { ok: true }>(
        "publish",
        this.name,
        { data, mid },
        { deadlineMs, trace },
      );
    const published = this.#last.then(publish, publish).finally(() => this.#waiting--);
    this.#last = published.catch(() => undefined);
    return published.then(({ epoch, seq, ts, dup }) => ({ epoch, seq, ts, ...(dup ? { dup } : {}) }));
  }

  async history(range: HistoryRange = {}): Promise<HistoryPage> {
    const { epoch, messages, more } = await this.#requests.ask<HistoryPage>("history", this.name, range);
    return { epoch, messages, more };
  }

  /** Everybody who is here, page by page behind the scenes. */
  async members(): Promise<Member[]> {
    const members: Member[] = [];
    for (;;) {
      const after = members.at(-1)?.conn;
      const body = after === undefined ? {} : { after };
      const page = await this.#requests.ask<{ members: Member[]; more?: true }>("presence", this.name, body);
      members.push(...page.members);
      if (page.more !== true || page.members.length === 0) return members;
    }
  }

  /** Makes the bot a member, and keeps it one until it leaves or the bot is closed. */
  join(state: unknown = null): Promise<Membership> {
    return this.#join(this.name, state);
  }

  /** To those who are subscribed at the moment; sent once. */
  async signal(data: unknown): Promise<void> {
    await this.#requests.ask("signal", this.name, { data }, { once: true });
  }
}
