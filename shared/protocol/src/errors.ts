/**
 * The one catalogue of errors and close codes. Clients, bots, the admin API and the documents use these and
 * no others; a test holds `docs/errors.md` against it.
 */

export interface ErrorEntry {
  /** HTTP status where the error leaves through the admin API. */
  readonly status: number;
  /** Whether the same request can succeed later without being changed. */
  readonly retryable: boolean;
  readonly meaning: string;
}

export const ERRORS = {
  bad_request: { status: 400, retryable: false, meaning: "The frame or one of its fields is malformed." },
  unauthorized: { status: 401, retryable: false, meaning: "No valid token was given." },
  token_expired: { status: 401, retryable: false, meaning: "The token's time is over; bring a new one." },
  forbidden: { status: 403, retryable: false, meaning: "The token does not allow this." },
  not_subscribed: {
    status: 409,
    retryable: false,
    meaning: "The operation needs a subscription to the channel.",
  },
  not_found: { status: 404, retryable: false, meaning: "There is no such thing (admin API)." },
  conflict: {
    status: 409,
    retryable: false,
    meaning: "The request contradicts the present state (admin API).",
  },
  too_large: { status: 413, retryable: false, meaning: "The message is larger than its namespace allows." },
  rate_limited: { status: 429, retryable: true, meaning: "Too much at once; try again after `retry`." },
  limit_reached: { status: 429, retryable: false, meaning: "A bound on a number of things is reached." },
  unavailable: { status: 503, retryable: true, meaning: "Something that is needed is away; try again." },
  timeout: {
    status: 504,
    retryable: true,
    meaning: "No answer in time. A publish may or may not be stored: repeat it with the same `mid`.",
  },
  internal: { status: 500, retryable: true, meaning: "A defect in the server; it is logged there." },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERRORS, value);
}

/** An error that may be shown to whoever asked. Anything else that is thrown is a defect: `internal`. */
export class PlexusError extends Error {
  readonly code: ErrorCode;
  /** Milliseconds after which the same request may succeed. */
  readonly retry: number | undefined;

  constructor(code: ErrorCode, message: string, options: { retry?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PlexusError";
    this.code = code;
    this.retry = options.retry;
  }
}

export interface CloseEntry {
  readonly code: number;
  /** Sent in the `bye` frame and as the close reason. */
  readonly reason: string;
  readonly meaning: string;
}

/**
 * Close codes. 4000 to 4499: reconnect and resume. 4500 to 4999: do not reconnect as you are.
 * The keys are the `code` of the `bye` frame.
 */
export const CLOSES = {
  draining: {
    code: 4000,
    reason: "gateway is draining",
    meaning: "This gateway is going away; another takes over.",
  },
  slow_reader: {
    code: 4001,
    reason: "reads too slowly",
    meaning: "The connection's send buffer reached its bound.",
  },
  gateway_error: {
    code: 4002,
    reason: "gateway error",
    meaning: "The gateway could not go on with this connection.",
  },
  recovery_failed: {
    code: 4003,
    reason: "recovery was interrupted",
    meaning: "A recovery under way could not be completed; resume from the last message received.",
  },
  hello_timeout: {
    code: 4004,
    reason: "no hello in time",
    meaning: "The first frame did not come in time (10 s unless set otherwise).",
  },
  unavailable: {
    code: 4005,
    reason: "cannot take this connection now",
    meaning: "What is needed to say who this is does not answer at the moment.",
  },
  limit_reached: {
    code: 4006,
    reason: "too many connections",
    meaning: "The tenant has as many connections as it may have.",
  },
  bad_request: { code: 4500, reason: "malformed frame", meaning: "What was sent is not this protocol." },
  unauthorized: { code: 4501, reason: "token refused", meaning: "No valid token was given." },
  token_expired: { code: 4502, reason: "token expired", meaning: "Bring a new token." },
  rate_limited: {
    code: 4503,
    reason: "too many frames",
    meaning: "The connection kept exceeding its limits.",
  },
  disconnected: {
    code: 4504,
    reason: "disconnected by an operator",
    meaning: "An operator closed the user's connections.",
  },
  suspended: {
    code: 4505,
    reason: "the tenant may not connect",
    meaning: "The tenant is suspended, or is not one of this installation.",
  },
} as const satisfies Record<string, CloseEntry>;

export type CloseName = keyof typeof CLOSES;

/** Whether a client should come back by itself, with the same token, and resume. */
export function isResumable(closeCode: number): boolean {
  return closeCode < 4500;
}
