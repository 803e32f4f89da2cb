import type { HistoryRead } from "../load/history.js";
import { measure, median } from "../measure.js";
import { amount, perOperation, type Row } from "../report.js";
import { targetOf } from "../sides.js";
import { type Bench, inTurns, scaled } from "./bench.js";

const MESSAGES = 50_000;
const BYTES = 128;
const PAGE = 50;
const NEWEST_PER_SECOND = 200;
/** Of pages that have to be searched for in the log. */
const DEEP_PER_SECOND = 25;
const MAX_ROUNDS = 2;
const AT_ONCE = 16;
const MISSED = 1_000;

/** One connection fills the channel, as fast as it may: more than a client is allowed. */
const FILLING = { PLEXUS_PUBLISHES_PER_SECOND: "1000000", PLEXUS_PUBLISHES_BURST: "1000000" };

/** Reading the past of one channel. */
export const history: Bench = {
  doc: "a channel of 50,000 messages: pages of 50 from its end and from anywhere, and resumes after 1,000 missed messages",
  run: async (context) => {
    const side = await context.plexus({ gatewayEnv: FILLING });
    const messages = Math.max(2 * MISSED, scaled(MESSAGES, context.scale));
    const reads: ReadonlyArray<{ name: string; read: HistoryRead }> = [
      { name: "newest page", read: { what: "newest", perSecond: NEWEST_PER_SECOND, page: PAGE } },
      { name: "deep page", read: { what: "deep", perSecond: DEEP_PER_SECOND, page: PAGE } },
      { name: "pages at saturation", read: { what: "pages", atOnce: AT_ONCE, page: PAGE } },
      { name: "resume", read: { what: "resume", missed: MISSED } },
    ];
    const channel = `bench.history-${crypto.randomUUID().slice(0, 8)}`;
    const turns = reads.map(({ name, read }) => ({
      name,
      measure: () => {
        const plan = {
          kind: "history" as const,
          target: targetOf(side),
          messages,
          channel,
          bytes: BYTES,
          read,
        };
        return measure(plan, side.processes(), context.timing);
      },
    }));
    const measured = await inTurns(
      { ...context, rounds: Math.min(MAX_ROUNDS, context.rounds) },
      turns,
      ({ latency, acknowledgedPerSecond }) =>
        `${amount(acknowledgedPerSecond)}/s, p50 ${amount(latency?.p50Ms ?? Number.NaN)} ms, p99 ${amount(latency?.p99Ms ?? Number.NaN)} ms`,
    );
    const rows: Row[] = turns.map(({ name }) => {
      const middle = median(measured.get(name)!, ({ latency }) => latency?.p50Ms ?? 0);
      const { latency, cpu, acknowledgedPerSecond, deliveredPerSecond } = middle;
      const values = {
        "p50 ms": latency?.p50Ms ?? Number.NaN,
        "p99 ms": latency?.p99Ms ?? Number.NaN,
        "reads/s": acknowledgedPerSecond,
        "messages/s": deliveredPerSecond,
      };
      return { side: name, what: side.what, values, cpuUs: perOperation(cpu, acknowledgedPerSecond) };
    });
    return { operation: "read", rows, ratios: [] };
  },
};
