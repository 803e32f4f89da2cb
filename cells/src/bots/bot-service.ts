import {
  type BotAnswer,
  isBotReply,
  PlexusError,
  parseBotSubject,
  subjects,
  TRACE_HEADER,
} from "@plexus/protocol";
import { type Logger, type Msg, type Subscription, subscribe } from "@plexus/runtime";
import * as metrics from "../metrics.js";
import { errorAnswer } from "./answer.js";
import { OPEN_LIMITS, OPEN_READS, OpenRequests } from "./open-requests.js";
import { type BotContext, BotOperations } from "./operations.js";
import { type BotRequest, parseBotRequest } from "./request.js";

/** Of all workers of all cells one gets each request. */
const QUEUE = "bots";
const BUSY_RETRY_MS = 200;
const STOP_POLL_MS = 10;
/** What is under way when the worker stops gets so long. */
const STOP_DEADLINE_MS = 5_000;

/** What only asks, and is pointless where there is nobody to be told. */
const READS: ReadonlySet<string> = new Set(["history", "presence"]);

/** Answers the requests of bots; see docs/bots.md. */
export class BotService {
  readonly #operations: BotOperations;
  readonly #open = new OpenRequests(OPEN_LIMITS);
  readonly #reads = new OpenRequests(OPEN_READS);
  readonly #subscription: Subscription;
  readonly #log: Logger;

  /** `isBehind`: what comes in has waited while this process was paused, and its bot has given up or asked again. */
  constructor(context: BotContext & { isBehind: () => boolean; log: Logger }) {
    const { nats, isBehind, log } = context;
    this.#operations = new BotOperations(context);
    this.#log = log;
    const handle = (message: Msg) => {
      if (isBehind()) count(message, "ignored");
      else void this.#handle(message);
    };
    this.#subscription = subscribe(nats, subjects.allBotRequests, log, handle, QUEUE);
  }

  /** Takes nothing new, and ends what is on its way or under way. */
  async stop(): Promise<void> {
    let draining = true;
    const drained = () => {
      draining = false;
    };
    this.#subscription.drain().then(drained, drained);
    const deadlineAt = performance.now() + STOP_DEADLINE_MS;
    while ((draining || this.#open.total > 0) && performance.now() < deadlineAt)
      await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
  }

  async #handle(message: Msg): Promise<void> {
    const [, tenant = "", bot = ""] = message.subject.split(".");
    const { reply } = message;
    // A bot that names a foreign subject for the answer wants it sent by somebody who may do more than the bot.
    if (reply && !isBotReply(reply, tenant, bot)) return count(message, "ignored");
    let answer: BotAnswer;
    try {
      answer = await this.#answer(message, `${tenant}.${bot}`);
    } catch (error) {
      if (!(error instanceof PlexusError)) this.#log.error({ err: error }, "a bot's request failed");
      answer = errorAnswer(error);
    }
    count(message, answer.ok ? "ok" : answer.error.code);
    if (reply) message.respond(JSON.stringify(answer));
  }

  async #answer(message: Msg, bot: string): Promise<BotAnswer> {
    const from = parseBotSubject(message.subject);
    if (typeof from === "string") throw new PlexusError("bad_request", from);
    const request: BotRequest = parseBotRequest(from.operation, from.channel, message.data);
    const traceparent = request.operation === "publish" ? traceparentOf(message) : undefined;
    if (!READS.has(request.operation))
      return this.#counted(this.#open, bot, () => this.#operations.run(from, request, traceparent));
    if (!message.reply) return { ok: true };
    return this.#counted(this.#open, bot, () =>
      this.#counted(this.#reads, bot, () => this.#operations.run(from, request)),
    );
  }

  async #counted(open: OpenRequests, bot: string, run: () => Promise<BotAnswer>): Promise<BotAnswer> {
    if (!open.begin(bot))
      throw new PlexusError("rate_limited", "too many requests without an answer yet", {
        retry: BUSY_RETRY_MS,
      });
    metrics.botRequestsOpen.set(this.#open.total);
    try {
      return await run();
    } finally {
      open.end(bot);
      metrics.botRequestsOpen.set(this.#open.total);
    }
  }
}

function traceparentOf({ headers }: Msg): string | undefined {
  return headers?.get(TRACE_HEADER) || undefined;
}

function count({ subject }: Msg, outcome: string): void {
  const parsed = parseBotSubject(subject);
  metrics.botRequests.inc({ operation: typeof parsed === "string" ? "none" : parsed.operation, outcome });
}
