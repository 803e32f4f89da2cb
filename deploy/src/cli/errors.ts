import type { ErrorCode } from "@plexus/protocol";

/** What `plexus` ends with; see docs/cli.md. */
export const EXIT = {
  ok: 0,
  /** It was tried, and failed. */
  failed: 1,
  /** The command line is not right. */
  usage: 2,
  /** No admin API answers. */
  unreachable: 3,
  /** The request contradicts the present state, or a bound. */
  refused: 4,
  notFound: 5,
  /** The admin token is not the right one. */
  unauthorized: 6,
  /** Something that is needed is away; the same command may succeed later. */
  unavailable: 7,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** An end that a person is told in one or two sentences: what is wrong, and what to do next. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: number;
  /** What to do next. */
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Without a hint of its own, who runs the command points to its help. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(EXIT.usage, message, hint);
}

const EXIT_OF: Record<ErrorCode, number> = {
  bad_request: EXIT.usage,
  unauthorized: EXIT.unauthorized,
  token_expired: EXIT.unauthorized,
  forbidden: EXIT.refused,
  not_subscribed: EXIT.refused,
  not_found: EXIT.notFound,
  conflict: EXIT.refused,
  too_large: EXIT.refused,
  rate_limited: EXIT.unavailable,
  limit_reached: EXIT.refused,
  unavailable: EXIT.unavailable,
  timeout: EXIT.unavailable,
  internal: EXIT.failed,
};

const HINT_OF: Partial<Record<ErrorCode, string>> = {
  unauthorized: "Give the installation's admin token: --admin-token or PLEXUS_ADMIN_TOKEN.",
  rate_limited: "Try again in a moment.",
  unavailable: "Try again in a moment; `plexus cells` shows whether the cells have workers.",
  timeout: "Try again in a moment; `plexus cells` shows whether the cells have workers.",
  internal: "The admin API's log says what went wrong.",
};

/** What an error of the admin API means here. */
export function apiError(code: ErrorCode, message: string): CliError {
  return new CliError(EXIT_OF[code], message, HINT_OF[code]);
}
