/** The bounds of a router. */
export interface RouterOptions {
  /** Milliseconds until a command fails with `timeout` or `unavailable`. */
  deadlineMs: number;
  /** Milliseconds without an answer after which a command is sent again. */
  attemptMs: number;
  /** Commands without an answer yet; more fail with `unavailable`. */
  maxOutstanding: number;
  /** And the bytes of all of them; one that finds nothing outstanding is always taken. */
  maxOutstandingBytes: number;
}

export const ROUTER_DEFAULTS: RouterOptions = {
  deadlineMs: 10_000,
  attemptMs: 3_000,
  maxOutstanding: 50_000,
  maxOutstandingBytes: 128 * 1024 * 1024,
};
