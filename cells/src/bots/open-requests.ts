/** Requests without an answer yet: so many of one bot, so many of all. Beyond it the newest is refused. */
export interface OpenLimits {
  perBot: number;
  total: number;
}

/** A bot that has more under way than a client may (1,000) over a few workers does not wait for answers at all. */
export const OPEN_LIMITS: OpenLimits = { perBot: 500, total: 5_000 };

/** Of these, what reads the past or a list of members: each may be much work for an answer. */
export const OPEN_READS: OpenLimits = { perBot: 32, total: 500 };

export class OpenRequests {
  readonly #limits: OpenLimits;
  readonly #perBot = new Map<string, number>();
  #total = 0;

  constructor(limits: OpenLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /** Whether there was room; if so, it is to be given back with {@link end}. */
  begin(bot: string): boolean {
    const open = this.#perBot.get(bot) ?? 0;
    if (open >= this.#limits.perBot || this.#total >= this.#limits.total) return false;
    this.#perBot.set(bot, open + 1);
    this.#total++;
    return true;
  }

  end(bot: string): void {
    const open = (this.#perBot.get(bot) ?? 0) - 1;
    if (open > 0) this.#perBot.set(bot, open);
    else this.#perBot.delete(bot);
    this.#total--;
  }
}
