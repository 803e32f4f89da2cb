/** Whether the other end is still there: the pure core. It is asked now and then, and says what to do. */

export interface LivenessOptions {
  /** Ping after so many milliseconds in which nothing was sent, or nothing came. */
  pingMs: number;
  /** How long to wait for anything at all after a ping, milliseconds. */
  pongTimeoutMs: number;
}

export class Liveness {
  readonly #options: LivenessOptions;
  #sentAt: number;
  #receivedAt: number;
  /** A ping is out; without any frame until then, the connection is dead. */
  #deadAt: number | undefined;
  #probe: number | undefined;

  constructor(options: LivenessOptions, now: number) {
    this.#options = options;
    this.#sentAt = now;
    this.#receivedAt = now;
  }

  sent(now: number): void {
    this.#sentAt = now;
  }

  /** Anything that comes proves life; it need not be the pong. */
  received(now: number): void {
    this.#receivedAt = now;
    this.#deadAt = undefined;
  }

  /** Asks for a ping at the next check, answered within `timeoutMs`: there is reason to doubt. */
  probe(timeoutMs: number): void {
    this.#probe = timeoutMs;
  }

  /** `ping`: send one, now. `dead`: give the connection up. */
  check(now: number): "ping" | "dead" | undefined {
    if (this.#deadAt !== undefined && now >= this.#deadAt) {
      // A check that comes this late says that the machine slept, not that the gateway is silent: ask again.
      if (now - this.#deadAt <= this.#options.pongTimeoutMs) return "dead";
      this.#deadAt = undefined;
      this.#probe = this.#options.pongTimeoutMs;
    }
    const quiet = Math.min(this.#sentAt, this.#receivedAt) + this.#options.pingMs <= now;
    if (this.#probe === undefined && (!quiet || this.#deadAt !== undefined)) return undefined;
    this.#deadAt = now + (this.#probe ?? this.#options.pongTimeoutMs);
    this.#probe = undefined;
    return "ping";
  }

  /** When to check next. */
  nextAt(): number {
    return this.#deadAt ?? Math.min(this.#sentAt, this.#receivedAt) + this.#options.pingMs;
  }
}
