import { type Measurement, measure, median } from "../measure.js";
import { amount, perOperation, type Row } from "../report.js";
import { type Side, targetOf } from "../sides.js";
import { type Bench, type BenchContext, inTurns, scaled } from "./bench.js";

const BYTES = 128;
const CHANNELS = 500;
/** Publishes of each publisher without an answer. */
const WINDOW = 4;
const HOT_PUBLISHERS = 100;
const HOT_WINDOW = 32;
const HOT_TARGET = 60_000;

/** How many publishes a second are stored and acknowledged, against plain appends to JetStream. */
export const publish: Bench = {
  doc: "stored and acknowledged publishes: 500 channels with a publisher each, and 100 publishers on one channel",
  run: async (context) => {
    const plexus = await context.plexus();
    const jetstream = await context.jetstream();
    const channels = scaled(CHANNELS, context.scale);
    const turns = [
      { name: "plexus", measure: () => many(context, plexus, channels) },
      { name: "jetstream", measure: () => appends(context, jetstream, channels) },
      { name: "plexus, one channel", measure: () => hot(context, plexus) },
    ];
    const measured = await inTurns(
      context,
      turns,
      (one) => `${amount(one.acknowledgedPerSecond)} acknowledged/s`,
    );
    const whats = [plexus.what, "NATS alone: fenced appends, one on its way per subject", plexus.what];
    const rows: Row[] = turns.map(({ name }, i) => rowOf(name, whats[i]!, measured.get(name)!));
    const [spread, raw, one] = rows.map(({ values }) => values["acknowledged/s"]!) as [
      number,
      number,
      number,
    ];
    return {
      operation: "publish",
      rows,
      ratios: [
        { name: "Plexus / raw JetStream appends", value: spread / raw, target: { is: ">=", value: 0.6 } },
        { name: "one channel: acknowledged/s", value: one, target: { is: ">=", value: HOT_TARGET } },
      ],
    };
  },
};

function rowOf(side: string, what: string, measurements: readonly Measurement[]): Row {
  const middle = median(measurements, (one) => one.acknowledgedPerSecond);
  const rate = middle.acknowledgedPerSecond;
  return { side, what, values: { "acknowledged/s": rate }, cpuUs: perOperation(middle.cpu, rate) };
}

function many({ timing }: BenchContext, side: Side, channels: number): Promise<Measurement> {
  const run = crypto.randomUUID().slice(0, 8);
  const names = Array.from({ length: channels }, (_, i) => `bench.publish-${run}-${i}`);
  const sizes = { channels: names, publishers: channels, bytes: BYTES, window: WINDOW };
  return measure({ kind: "publish", target: targetOf(side), ...sizes }, side.processes(), timing);
}

function hot({ timing, scale }: BenchContext, side: Side): Promise<Measurement> {
  const names = [`bench.hot-${crypto.randomUUID().slice(0, 8)}`];
  const publishers = scaled(HOT_PUBLISHERS, scale);
  const sizes = { channels: names, publishers, bytes: BYTES, window: HOT_WINDOW };
  return measure({ kind: "publish", target: targetOf(side), ...sizes }, side.processes(), timing);
}

function appends({ timing }: BenchContext, side: Side, subjects: number): Promise<Measurement> {
  const plan = { kind: "append" as const, natsUrl: side.natsUrl!, subjects, bytes: BYTES };
  return measure(plan, side.processes(), timing);
}
