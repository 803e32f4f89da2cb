import { type Measurement, measure, median } from "../measure.js";
import { amount, perOperation, type Row } from "../report.js";
import { type PlexusShape, type Side, targetOf } from "../sides.js";
import { type Bench, type BenchContext, scaled } from "./bench.js";

/** Connections by channels of each, a gateway allows 500. */
const CONNECTIONS = 200;
const CHANNELS_EACH = [5, 50, 500];
/** Shapes at the fewest channels. */
const SHAPES: ReadonlyArray<PlexusShape> = [{ workers: 2 }, { workers: 4 }, { gateways: 2 }];
const BYTES = 128;
/** Far from saturation, where batches would grow and hide what a message costs. */
const PER_SECOND = 2_000;
/** What a smoke test still sends, so that the CPU clock's steps of 10 ms are not all of the figure. */
const LEAST_CONNECTIONS = 20;
const FLAT = 1.2;
const SERVERS = ["gateway", "worker", "nats"];
const COST = "CPU µs/message";

/** What a message costs as channels, workers and gateways become more. */
export const growth: Bench = {
  doc: "2,000 messages/s, each to one subscriber: what a message costs over 1,000, 10,000 and 100,000 channels, and with more workers and gateways",
  run: async (context) => {
    const rows: Row[] = [];
    const side = await context.plexus();
    rows.push(...(await rowsOf(context, side, "1 worker, 1 gateway", CHANNELS_EACH)));
    await side.stop();
    for (const shape of SHAPES) {
      const { workers = 1, gateways = 1 } = shape;
      const more = await context.plexus(shape);
      const name = `${workers} worker${workers > 1 ? "s" : ""}, ${gateways} gateway${gateways > 1 ? "s" : ""}`;
      rows.push(...(await rowsOf(context, more, name, CHANNELS_EACH.slice(0, 1))));
      await more.stop();
    }
    const [few, , most] = rows as [Row, Row, Row];
    return {
      operation: "message",
      rows,
      ratios: [
        {
          name: "cost of a message at most channels / at fewest",
          value: most.values[COST]! / few.values[COST]!,
          target: { is: "<=", value: FLAT },
        },
      ],
    };
  },
};

/** Of each number of channels in turns, so that whatever the machine does meanwhile meets all alike. */
async function rowsOf(
  context: BenchContext,
  side: Side,
  name: string,
  channelsEach: readonly number[],
): Promise<Row[]> {
  const connections = Math.max(LEAST_CONNECTIONS, scaled(CONNECTIONS, context.scale));
  const sizes = channelsEach.map((each) => ({
    each: Math.max(1, scaled(each, context.scale)),
    // The same channels each time: a worker holds no more of them than it may.
    run: crypto.randomUUID().slice(0, 8),
    found: [] as Measurement[],
  }));
  // The first time code is compiled as well, so that does not count.
  for (let round = 0; round <= context.rounds; round++)
    for (const { each, run, found } of sizes) {
      const shape = { connections, channelsEach: each, bytes: BYTES, perSecond: PER_SECOND };
      const plan = { kind: "growth" as const, target: targetOf(side), run, ...shape };
      const one = await measure(plan, side.processes(), context.timing);
      if (round > 0) found.push(one);
    }
  return sizes.map(({ each, found }) => {
    const middle = median(found, costOf);
    const channels = (connections * each).toLocaleString("en-US");
    const values = {
      [COST]: costOf(middle),
      "acknowledged/s": middle.acknowledgedPerSecond,
      "delivered/s": middle.deliveredPerSecond,
    };
    const all = found.map((one) => amount(costOf(one))).join(", ");
    context.say(`  ${channels} channels, ${name}: ${all} µs of CPU per message`);
    const cpuUs = perOperation(middle.cpu, middle.acknowledgedPerSecond);
    return { side: `${channels} ch., ${name}`, what: side.what, values, cpuUs };
  });
}

/** Microseconds of the servers that carry a message. */
function costOf({ cpu, acknowledgedPerSecond }: Measurement): number {
  const share = SERVERS.reduce((sum, kind) => sum + (cpu[kind] ?? 0), 0);
  return (share * 1_000_000) / acknowledgedPerSecond;
}
