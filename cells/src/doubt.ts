/**
 * Whether what an actor knows may be out of date: two workers may have served its channel for a while, and appends alone
 * tell them apart. Settled by one comparison with the log for all who ask meanwhile.
 */
export class Doubt {
  readonly #compare: () => Promise<boolean>;
  #raised = false;
  #settling: Promise<void> | undefined;

  /** @param compare resolves to false where it could not be told yet; what it rejects with is passed on */
  constructor(compare: () => Promise<boolean>) {
    this.#compare = compare;
  }

  raise(): void {
    this.#raised = true;
  }

  /** Resolves once there is no doubt; undefined at once where there is none. Rejects where the log does not answer. */
  settle(): Promise<void> | undefined {
    if (!this.#raised) return this.#settling;
    this.#settling ??= this.#ask().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #ask(): Promise<void> {
    this.#raised = false;
    let settled = false;
    try {
      settled = await this.#compare();
    } finally {
      if (!settled) this.#raised = true;
    }
  }
}
