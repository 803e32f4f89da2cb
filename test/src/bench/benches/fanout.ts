import { measure, median } from "../measure.js";
import { amount, perOperation, type Row } from "../report.js";
import { type Side, targetOf } from "../sides.js";
import { type Bench, inTurns, scaled } from "./bench.js";

const SUBSCRIBERS = 1_000;
const PUBLISHERS = 4;
const BYTES = 128;
/** Messages on their way: enough that nobody ever waits for work. */
const WINDOW = 512;

/** How many deliveries a second, with the log in the path, against sockets alone and against Socket.IO. */
export const fanout: Bench = {
  doc: "1 channel, 1,000 subscribers, 128-byte messages at saturation",
  run: async (context) => {
    const sides = [await context.plexus(), await context.uws(), await context.socketIo()];
    const subscribers = scaled(SUBSCRIBERS, context.scale);
    const turnOf = (side: Side) => ({
      name: side.name,
      measure: () => {
        const target = targetOf(side);
        const channel = `bench.fanout-${crypto.randomUUID().slice(0, 8)}`;
        const sizes = { subscribers, publishers: PUBLISHERS, bytes: BYTES, window: WINDOW };
        const plan = { kind: "fanout" as const, target, channel, ...sizes };
        return measure(plan, side.processes(), context.timing);
      },
    });
    const measured = await inTurns(
      context,
      sides.map(turnOf),
      (one) => `${amount(one.deliveredPerSecond)} deliveries/s`,
    );
    const rows: Row[] = sides.map(({ name, what }) => {
      const middle = median(measured.get(name)!, (one) => one.deliveredPerSecond);
      const values = {
        "deliveries/s": middle.deliveredPerSecond,
        "messages/s": middle.deliveredPerSecond / subscribers,
      };
      return { side: name, what, values, cpuUs: perOperation(middle.cpu, middle.deliveredPerSecond) };
    });
    const [plexus, uws, socketIo] = rows.map(({ values }) => values["deliveries/s"]!) as [
      number,
      number,
      number,
    ];
    return {
      operation: "delivery",
      rows,
      ratios: [
        { name: "Plexus / raw uWebSockets", value: plexus / uws, target: { is: ">=", value: 0.95 } },
        { name: "Plexus / Socket.IO with Redis", value: plexus / socketIo, target: { is: ">=", value: 20 } },
      ],
    };
  },
};
