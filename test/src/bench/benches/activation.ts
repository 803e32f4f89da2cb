import { TENANT } from "../../harness/tokens.js";
import { measure } from "../measure.js";
import { amount, perOperation, type Row } from "../report.js";
import { targetOf } from "../sides.js";
import { type Bench, inTurns, scaled } from "./bench.js";

const CHANNELS = 200_000;
const PER_SECOND = 200;

/** The first question to a channel that nobody has in memory, where the log holds many. */
export const activation: Bench = {
  doc: "200,000 channels in the log, none in memory: the first subscription and the first publish",
  run: async (context) => {
    const side = await context.plexus();
    const channels = scaled(CHANNELS, context.scale);
    const turns = (["sub", "pub"] as const).map((first) => ({
      name: first,
      measure: () => {
        const target = targetOf(side);
        const run = crypto.randomUUID().slice(0, 8);
        const where = { natsUrl: side.natsUrl!, cell: "eu-1", tenant: TENANT, run };
        const plan = { kind: "activate" as const, target, ...where, channels, perSecond: PER_SECOND, first };
        return measure(plan, side.processes(), context.timing);
      },
    }));
    // Once each: every round adds as many channels to the log.
    const measured = await inTurns({ ...context, rounds: 1 }, turns, ({ latency }) =>
      latency === null
        ? "nothing was answered"
        : `p50 ${amount(latency.p50Ms)} ms, p99 ${amount(latency.p99Ms)} ms`,
    );
    const rows: Row[] = turns.map(({ name }) => {
      const [only] = measured.get(name)!;
      const { latency, cpu } = only!;
      const values = { "p50 ms": latency?.p50Ms ?? Number.NaN, "p99 ms": latency?.p99Ms ?? Number.NaN };
      return { side: name, what: side.what, values, cpuUs: perOperation(cpu, PER_SECOND) };
    });
    const ratios = rows.map(({ side: first, values }) => ({
      name: `first ${first}: p99 ms`,
      value: values["p99 ms"]!,
      target: { is: "<=" as const, value: 10 },
    }));
    return { operation: "activation", rows, ratios };
  },
};
