import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Measurement, measure } from "../measure.js";
import { amount, perOperation, type Row } from "../report.js";
import { type Side, targetOf } from "../sides.js";
import { type Bench, type BenchContext, inTurns, scaled } from "./bench.js";

const BYTES = 128;
const CHANNELS = 200;
const WINDOW = 4;
/** A published message costs so much of the servers' CPU at most when one in a hundred is traced, of what it costs untraced. */
const SAMPLED_TARGET = 1.1;

const SETTINGS: ReadonlyArray<{ name: string; ratio: number | null }> = [
  { name: "no collector", ratio: null },
  { name: "collector, ratio 0", ratio: 0 },
  { name: "ratio 0.01", ratio: 0.01 },
  { name: "ratio 1", ratio: 1 },
];

/** What traces cost: the same publishes with nothing, little and everything traced. */
export const tracing: Bench = {
  doc: "stored and acknowledged publishes, traced by a share; the collector takes everything and looks at nothing",
  run: async (context) => {
    const collector = await openCollector();
    try {
      const turnOf = async ({ name, ratio }: (typeof SETTINGS)[number]) => {
        const side = await context.plexus(ratio === null ? {} : environment(collector.url, ratio));
        return { name, what: side.what, measure: () => publishes(context, side) };
      };
      const turns = await Promise.all(SETTINGS.map(turnOf));
      const measured = await inTurns(context, turns, (one) => `${amount(serversUs(one))} µs of servers' CPU`);
      const least = turns.map(({ name }) => leastOf(measured.get(name)!));
      const rows = turns.map(({ name, what }, i) => rowOf(name, what, least[i]!));
      const [off, idle, some, all] = least.map(serversUs) as [number, number, number, number];
      return {
        operation: "publish",
        rows,
        ratios: [
          { name: "CPU, collector and ratio 0 / no collector", value: idle / off, target: null },
          {
            name: "CPU, ratio 0.01 / no collector",
            value: some / off,
            target: { is: "<=", value: SAMPLED_TARGET },
          },
          { name: "CPU, ratio 1 / no collector", value: all / off, target: null },
        ],
      };
    } finally {
      collector.stop();
    }
  },
};

function environment(url: string, ratio: number) {
  const own = { PLEXUS_TRACE_RATIO: String(ratio) };
  return { env: { OTEL_EXPORTER_OTLP_ENDPOINT: url }, gatewayEnv: own, workerEnv: own };
}

function publishes({ timing, scale }: BenchContext, side: Side): Promise<Measurement> {
  const channels = scaled(CHANNELS, scale);
  const run = crypto.randomUUID().slice(0, 8);
  const names = Array.from({ length: channels }, (_, i) => `bench.traced-${run}-${i}`);
  const sizes = { channels: names, publishers: channels, bytes: BYTES, window: WINDOW };
  return measure({ kind: "publish", target: targetOf(side), ...sizes }, side.processes(), timing);
}

/** Whatever else runs on the machine only ever adds. */
function leastOf(measurements: readonly Measurement[]): Measurement {
  return measurements.reduce((least, one) => (serversUs(one) < serversUs(least) ? one : least));
}

/** Microseconds of gateways and workers for each publish. */
function serversUs({ cpu, acknowledgedPerSecond }: Measurement): number {
  return (((cpu.gateway ?? 0) + (cpu.worker ?? 0)) * 1_000_000) / acknowledgedPerSecond;
}

function rowOf(side: string, what: string, one: Measurement): Row {
  const rate = one.acknowledgedPerSecond;
  const values = { "acknowledged/s": rate, "servers' CPU µs": serversUs(one) };
  return { side, what, values, cpuUs: perOperation(one.cpu, rate) };
}

async function openCollector(): Promise<{ url: string; stop(): void }> {
  const server = createServer((request, response) => {
    request
      .resume()
      .once("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}
