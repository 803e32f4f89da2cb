import { type Measurement, measure } from "../measure.js";
import { amount, perOperation, type Row } from "../report.js";
import { type Side, targetOf } from "../sides.js";
import { type Bench, inTurns } from "./bench.js";

const SUBSCRIBERS = 10;
const PER_SECOND = 1_000;

/** From when a message was due until a subscriber has it, against the hops that it can't do without. */
export const latency: Bench = {
  doc: "10 subscribers, 1,000 messages/s: from when a message was due until each has it",
  run: async (context) => {
    const [plexus, uws, nats] = [await context.plexus(), await context.uws(), await context.jetstream()];
    const through = (side: Side) => () => {
      const channel = `bench.latency-${crypto.randomUUID().slice(0, 8)}`;
      const sizes = { channel, subscribers: SUBSCRIBERS, perSecond: PER_SECOND };
      const plan = { kind: "latency" as const, target: targetOf(side), ...sizes };
      return measure(plan, side.processes(), context.timing);
    };
    const hop = (name: "append" | "core") => () => {
      const plan = { kind: "hop" as const, natsUrl: nats.natsUrl!, hop: name, perSecond: PER_SECOND };
      return measure(plan, nats.processes(), context.timing);
    };
    const turns = [
      { name: "plexus", measure: through(plexus) },
      { name: "uws", measure: through(uws) },
      { name: "append", measure: hop("append") },
      { name: "core", measure: hop("core") },
    ];
    const measured = await inTurns(context, turns, ({ latency: found }) =>
      found === null ? "nothing arrived" : `p50 ${amount(found.p50Ms)} ms, p99 ${amount(found.p99Ms)} ms`,
    );
    const what: Record<string, string> = {
      plexus: plexus.what,
      uws: `${uws.what}: the same load`,
      append: "a fenced append to JetStream and its acknowledgement",
      core: "a message from one NATS client to another",
    };
    const rows = turns.map(({ name }) => rowOf(name, what[name]!, measured.get(name)!));
    const [whole, ...hops] = rows as [Row, ...Row[]];
    const sum = (of: string) => hops.reduce((total, { values }) => total + values[of]!, 0);
    const ratio = (of: string) => whole.values[of]! / sum(of);
    return {
      operation: "message",
      rows,
      ratios: [
        { name: "p50 / sum of the hops", value: ratio("p50 ms"), target: { is: "<=", value: 2.5 } },
        { name: "p99 / sum of the hops", value: ratio("p99 ms"), target: { is: "<=", value: 3 } },
      ],
    };
  },
};

/** Each percentile is the middle one of the rounds. */
function rowOf(side: string, what: string, measurements: readonly Measurement[]): Row {
  const middle = (of: (one: Measurement) => number) => {
    const sorted = measurements.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  };
  const values = {
    "p50 ms": middle(({ latency: found }) => found?.p50Ms ?? Number.NaN),
    "p99 ms": middle(({ latency: found }) => found?.p99Ms ?? Number.NaN),
    "max ms": middle(({ latency: found }) => found?.maxMs ?? Number.NaN),
  };
  return { side, what, values, cpuUs: perOperation(measurements[0]!.cpu, PER_SECOND) };
}
