import type { Measurement, Timing } from "../measure.js";
import type { BenchReport } from "../report.js";
import type { PlexusShape, Side } from "../sides.js";

export interface BenchContext {
  readonly timing: Timing;
  /** Each side is measured so often, in turns; the one in the middle counts. */
  readonly rounds: number;
  /** Share of the full size, 1 but for a smoke test. */
  readonly scale: number;
  say(line: string): void;
  /** Starts a side, which is stopped after the benchmark. */
  plexus(more?: PlexusShape): Promise<Side>;
  uws(): Promise<Side>;
  socketIo(): Promise<Side>;
  /** A NATS server with JetStream and nothing else. */
  jetstream(): Promise<Side>;
}

export interface Bench {
  readonly doc: string;
  run(context: BenchContext): Promise<Omit<BenchReport, "bench" | "doc" | "stolen">>;
}

export interface Turn {
  readonly name: string;
  measure(): Promise<Measurement>;
}

/** Measures in turns, round after round, so that whatever the machine does meets all sides alike. */
export async function inTurns(
  { rounds, say }: Pick<BenchContext, "rounds" | "say">,
  turns: readonly Turn[],
  show: (measurement: Measurement) => string,
): Promise<Map<string, Measurement[]>> {
  const measured = new Map<string, Measurement[]>(turns.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++)
    for (const turn of turns) {
      const measurement = await turn.measure();
      measured.get(turn.name)!.push(measurement);
      say(`  ${round}/${rounds} ${turn.name}: ${show(measurement)}`);
    }
  return measured;
}

/** As many as the scale leaves, 1 at least. */
export function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale));
}
