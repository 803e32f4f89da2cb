import { type Measurement, measure, median } from "../measure.js";
import { amount, perOperation, type Row } from "../report.js";
import { targetOf } from "../sides.js";
import { type Bench, inTurns } from "./bench.js";

const FROM_BYTES = 512;
const MESSAGE_BYTES = 128;
const WORK = [
  { name: "pages of 50", page: 50, perSecond: 200 },
  { name: "pages of 200", page: 200, perSecond: 50 },
  { name: "publishes", page: null, perSecond: 2_000 },
] as const;
const SIZE = "bytes of a page";

/** What compressed pages save and cost, and what it costs to unpack what clients send who compress all they say. */
export const compression: Bench = {
  doc: `gateways that compress pages from ${FROM_BYTES} bytes on: pages of history (messages of ${MESSAGE_BYTES} bytes of random words), and publishes, by clients that offer it or not`,
  run: async (context) => {
    const side = await context.plexus({
      gatewayEnv: { PLEXUS_COMPRESS_FROM_BYTES: String(FROM_BYTES), ...UNLIMITED },
    });
    const turns = WORK.flatMap(({ name, ...work }) =>
      [false, true].map((offered) => ({
        name: `${name}, ${offered ? "compressed" : "plain"}`,
        measure: () => {
          const channel = `bench.compression-${crypto.randomUUID().slice(0, 8)}`;
          const what = { kind: "compression" as const, channel, bytes: MESSAGE_BYTES, offered, ...work };
          return measure({ target: targetOf(side), ...what }, side.processes(), context.timing);
        },
      })),
    );
    const measured = await inTurns(
      context,
      turns,
      (one) => `${amount(done(one))}/s, gateway ${amount(gatewayUs(one))} µs of CPU each`,
    );
    const rows: Row[] = turns.map(({ name }) => {
      const one = median(measured.get(name)!, gatewayUs);
      const isPage = one.deliveredPerSecond > 0;
      const values = {
        ...(isPage ? { [SIZE]: one.receivedPerSecond / one.deliveredPerSecond } : {}),
        "a second": done(one),
      };
      return { side: name, what: side.what, values, cpuUs: perOperation(one.cpu, done(one)) };
    });
    const ratios = WORK.filter(({ page }) => page !== null).map(({ name }, i) => {
      const [plain, compressed] = rows.slice(2 * i) as [Row, Row];
      const value = compressed.values[SIZE]! / plain.values[SIZE]!;
      return { name: `bytes, ${name}: compressed / plain`, value, target: null };
    });
    return { operation: "page or publish", rows, ratios };
  },
};

/** One connection does all of it: more than a client is allowed. */
const UNLIMITED = {
  PLEXUS_PUBLISHES_PER_SECOND: "1000000",
  PLEXUS_PUBLISHES_BURST: "1000000",
};

function done({ deliveredPerSecond, acknowledgedPerSecond }: Measurement): number {
  return deliveredPerSecond > 0 ? deliveredPerSecond : acknowledgedPerSecond;
}

function gatewayUs(one: Measurement): number {
  return ((one.cpu.gateway ?? 0) * 1_000_000) / done(one);
}
