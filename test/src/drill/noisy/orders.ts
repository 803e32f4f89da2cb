/** What the drill of the noisy neighbour and its load, a process for each tenant, say to each other. */

/** Where a tenant's load goes. */
export interface LoadOrder {
  readonly url: string;
  readonly token: string;
  readonly gateways: readonly string[];
}

export interface QuietOrder extends LoadOrder {
  readonly channels: number;
  /** Messages per second, over all channels together. */
  readonly rate: number;
}

export interface NoisyOrder extends LoadOrder {
  readonly connections: number;
  /** Requests without an answer yet, of each connection. */
  readonly inFlight: number;
  /** Publishes per second that are sent at most, all connections together: the load must not take the whole machine. */
  readonly rate: number;
}

/** What the quiet tenant saw in one phase. */
export interface QuietPhase {
  readonly published: number;
  readonly delivered: number;
  /** Requests that were answered with an error. */
  readonly refused: number;
  /** What was said to them, and how often. */
  readonly refusals: Readonly<Record<string, number>>;
  /** The longest time that it was told to wait, milliseconds. */
  readonly retryMs: number;
  /** Milliseconds by which a message was published later than it was due, at most: what is late comes in a crowd. */
  readonly lateMs: number;
  /** Milliseconds from when a message was due to when its subscriber had it. */
  readonly latenciesMs: readonly number[];
}

/** What the noisy tenant got done in one phase. */
export interface NoisyPhase {
  readonly acknowledged: number;
  readonly refused: number;
  readonly delivered: number;
  readonly seconds: number;
}
