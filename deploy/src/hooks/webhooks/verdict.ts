/** What becomes of a request to a webhook after a try; pure. */
import { backoffMs } from "@plexus/runtime";

export type Attempt =
  | { readonly status: number }
  | {
      /**
       * `unreachable`: nobody took the connection. `no_answer`: somebody did, and said nothing in time.
       * `forbidden_target`: the address is one that webhooks may not lead to.
       */
      readonly problem: "unreachable" | "no_answer" | "forbidden_target";
      readonly message: string;
    };

export interface Policy {
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** Tries where the endpoint fails, … */
  readonly attempts: number;
  /** … where it refuses, … */
  readonly refusals: number;
  /** … and so long where it is away. */
  readonly giveUpAfterMs: number;
}

export type Outcome = "delivered" | "refused" | "failed" | "away";
export type Verdict =
  | { readonly next: "delivered" }
  | { readonly next: "retry"; readonly inMs: number }
  | { readonly next: "dead" };

/** Codes with which an endpoint says that it is worth trying again, beside 5xx. */
const COME_AGAIN = new Set([408, 425, 429]);

export function outcomeOf(attempt: Attempt): Outcome {
  if ("problem" in attempt) {
    if (attempt.problem === "unreachable") return "away";
    return attempt.problem === "no_answer" ? "failed" : "refused";
  }
  const { status } = attempt;
  if (status >= 200 && status < 300) return "delivered";
  return status >= 500 || COME_AGAIN.has(status) ? "failed" : "refused";
}

/**
 * @param tries how often it was tried so far, this one included, and how often of these it was refused
 * @param ageMs of its oldest event
 */
export function verdictOn(
  attempt: Attempt,
  tries: { readonly all: number; readonly failed: number; readonly refused: number },
  ageMs: number,
  policy: Policy,
  random: () => number = Math.random,
): Verdict {
  const outcome = outcomeOf(attempt);
  if (outcome === "delivered") return { next: "delivered" };
  const spent =
    (outcome === "refused" && tries.refused >= policy.refusals) ||
    (outcome === "failed" && tries.failed >= policy.attempts) ||
    (outcome === "away" && ageMs >= policy.giveUpAfterMs);
  if (spent) return { next: "dead" };
  return { next: "retry", inMs: backoffMs(tries.all - 1, policy.retryFirstMs, policy.retryMaxMs, random) };
}

/** For a person, and without anything of the answer's body. */
export function problemOf(attempt: Attempt): string {
  return "problem" in attempt ? `${attempt.problem}: ${attempt.message}` : `answered ${attempt.status}`;
}
