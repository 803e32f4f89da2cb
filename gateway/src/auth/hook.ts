import { createHash, createHmac } from "node:crypto";
import { PlexusError } from "@plexus/protocol";
import { Breaker, Gate, type Logger, MAX_TOKEN_ID_LENGTH, through } from "@plexus/runtime";
import { z } from "zod";
import { HookCache } from "./hook-cache.js";
import type { AskJson } from "./http.js";
import { type Caller, type Identity, identityOf, unauthorized, type Verify } from "./identity.js";
import * as metrics from "./metrics.js";

export interface HookOptions {
  readonly url: string;
  /** What requests are signed with; unsigned where there is none. */
  readonly secret?: string | undefined;
  readonly deadlineMs: number;
  /** Questions at once; more wait. */
  readonly concurrency: number;
  readonly gateway: string;
}

export interface HookContext {
  readonly ask: AskJson;
  /** The wall clock: tokens end by it. */
  readonly now: () => number;
  readonly log: Logger;
}

/** Tokens that wait for a place; beyond, clients are told to come again. */
const MAX_WAITING = 1_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** However long the hook says that its answer may be believed. */
const MAX_CACHE_MS = 10 * 60_000;
const RETRY_MS = 2_000;

const millisecondsSince1970 = z.number().int().min(0);
const answer = z.object({
  user: z.string(),
  tenant: z.string(),
  caps: z.record(z.string(), z.unknown()).optional(),
  expires: millisecondsSince1970,
  issued: millisecondsSince1970.optional(),
  id: z.string().max(MAX_TOKEN_ID_LENGTH).optional(),
  cacheMs: z.number().min(0).optional(),
});

/**
 * Asks the application's own server about tokens that are no JWTs. What it says is checked as a token's claims are,
 * and remembered for as long as it allows.
 */
export class ConnectHook {
  readonly #options: HookOptions;
  readonly #context: HookContext;
  readonly #gate: Gate;
  readonly #breaker = new Breaker({
    onChange: (isOpen) => metrics.breakerOpen.set({ dependency: "connect_hook" }, Number(isOpen)),
  });
  readonly #cache = new HookCache<Identity>();
  /** Questions under way: one for all who bring the same token from the same place. */
  readonly #asking = new Map<string, Promise<Identity>>();

  constructor(options: HookOptions, context: HookContext) {
    this.#options = options;
    this.#context = context;
    this.#gate = new Gate("connect_hook", options.concurrency, MAX_WAITING);
    metrics.breakerOpen.set({ dependency: "connect_hook" }, 0);
  }

  readonly verify: Verify = (token, caller = {}) => {
    const key = createHash("sha256").update(token).digest("base64");
    const known = this.#cache.get(key, this.#context.now());
    if (known !== undefined) {
      metrics.hookAnswers.inc({ outcome: "cached" });
      return Promise.resolve(known);
    }
    const question = `${key} ${caller.address ?? ""}`;
    let asking = this.#asking.get(question);
    if (asking === undefined) {
      asking = this.#gate
        .run(() => through(this.#breaker, "the connect hook", () => this.#ask(token, key, caller), isRefusal))
        .catch((error: unknown) => {
          throw this.#failure(error);
        })
        .finally(() => this.#asking.delete(question));
      this.#asking.set(question, asking);
    }
    return asking;
  };

  async #ask(token: string, key: string, { address }: Caller): Promise<Identity> {
    const { url, secret, deadlineMs, gateway } = this.#options;
    const body = JSON.stringify({ token, gateway, ...(address === undefined ? {} : { address }) });
    const signature = secret === undefined ? {} : signatureOf(secret, this.#context.now(), body);
    const headers = { "content-type": "application/json", ...signature };
    const request = { method: "POST", headers, body, deadlineMs, maxBytes: MAX_ANSWER_BYTES } as const;
    const { status, body: said } = await this.#context.ask(url, request);
    if (status === 401 || status === 403)
      throw unauthorized("the token is not valid (the application says so)");
    if (status !== 200) throw new Error(`the connect hook answered ${status}`);
    return this.#take(said, key);
  }

  /** What the hook said, checked and remembered. */
  #take(said: unknown, key: string): Identity {
    const parsed = answer.safeParse(said);
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]!;
      throw new Error(`the connect hook's answer is not right: ${path.join(".")}: ${message}`);
    }
    const { user, tenant, caps, expires, issued, id, cacheMs = 0 } = parsed.data;
    const now = this.#context.now();
    if (expires <= now) throw new PlexusError("token_expired", "the token has expired");
    const claims = { user, tenant, caps, expiresAt: expires, issuedAt: issued, tokenId: id };
    const identity = identityOf(claims);
    metrics.hookAnswers.inc({ outcome: "ok" });
    if (cacheMs > 0) this.#cache.put(key, identity, Math.min(expires, now + Math.min(cacheMs, MAX_CACHE_MS)));
    return identity;
  }

  /** What whoever brought the token is told. */
  #failure(error: unknown): PlexusError {
    if (error instanceof PlexusError) {
      metrics.hookAnswers.inc({ outcome: isRefusal(error) ? "refused" : "away" });
      return error;
    }
    metrics.hookAnswers.inc({ outcome: "failed" });
    this.#context.log.warn({ err: error }, "the connect hook could not be asked");
    const message = "whoever knows this token does not answer";
    return new PlexusError("unavailable", message, { retry: RETRY_MS, cause: error });
  }
}

/** Whether the hook was there, and said no. */
function isRefusal(error: unknown): boolean {
  return error instanceof PlexusError && (error.code === "unauthorized" || error.code === "token_expired");
}

/** What the application compares, as for webhooks: HMAC-SHA256 over the time and the body, so that neither can be put elsewhere. */
export function signatureOf(secret: string, now: number, body: string): Record<string, string> {
  const timestamp = String(Math.floor(now / 1_000));
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  return { "plexus-timestamp": timestamp, "plexus-signature": `v1=${signature}` };
}
