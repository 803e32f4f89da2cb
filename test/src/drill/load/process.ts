/** A load generator as a process of its own: carries out the orders of the drill, and ends with it. */
import { Generator } from "./generator.js";
import type { GeneratorMessage, LoadPlan, OrderMessage } from "./orders.js";

const REPORT_EVERY_MS = 250;

const generator = new Generator();

const carryOut: Record<OrderMessage["name"], (ask: never) => unknown> = {
  prepare: (plan: LoadPlan) => generator.prepare(plan),
  calm: () => generator.calm(),
  change: () => generator.change(),
  settle: () => generator.settle(),
  stuck: ({ forMs }: { forMs: number }) => generator.stuck(forMs),
  away: () => generator.away(),
  measure: () => generator.measure(),
  finish: (ask: { withinMs: number }) => generator.finish(ask),
  history: (ask: { quiet: number }) => generator.history(ask),
};

function tell(message: GeneratorMessage): void {
  if (process.connected) process.send!(message);
}

async function obey({ order, name, ask }: OrderMessage): Promise<void> {
  try {
    tell({ order, answer: (await carryOut[name](ask as never)) ?? null });
  } catch (error) {
    tell({ order, answer: null, error: error instanceof Error ? error.message : String(error) });
  }
}

const timer = setInterval(() => {
  const { counters, unrecovered } = generator;
  tell({ counters, unrecovered, slowestMs: generator.takeSlowestMs() });
}, REPORT_EVERY_MS);

process.on("message", (message) => void obey(message as OrderMessage));
process.once("disconnect", () => {
  clearInterval(timer);
  generator.stop();
  process.exit(0);
});
