import { subjects } from "@plexus/protocol";
import { gather, type WorkerStatus } from "@plexus/runtime";
import type { AdminContext } from "./context.js";

/** What the workers of a cell said, and who of them did not. */
export interface WorkerAnswers {
  answers: WorkerStatus[];
  /** Workers that are known of late but did not answer. */
  missing: string[];
  /** Whether these are all: false as well where nobody answered, since then nobody says who else there is. */
  complete: boolean;
}

/**
 * Asks all workers of a cell how they are. Who should answer is known from those who do, since workers know of each
 * other, and from what was heard of the cell's load of late: one that was cut off or starved may know of itself alone.
 */
export async function askWorkers(
  { nats, stats, log }: Pick<AdminContext, "nats" | "stats" | "log">,
  cell: string,
): Promise<WorkerAnswers> {
  const heard = stats.workersHeardIn(cell);
  const answers = await gather<WorkerStatus>(nats, subjects.workerStatus(cell), {}, log, {
    enough: (some) => missingFrom(some, heard).length === 0,
  });
  const missing = missingFrom(answers, heard);
  return { answers, missing, complete: answers.length > 0 && missing.length === 0 };
}

/** Who did not answer, of those whom the answers name and who were heard of late. */
export function missingFrom(answers: readonly WorkerStatus[], heard: readonly string[]): string[] {
  const answered = new Set(answers.map(({ worker }) => worker));
  const known = new Set([...heard, ...answers.flatMap(({ peers }) => peers)]);
  return [...known].filter((worker) => !answered.has(worker)).sort();
}

export interface CellLoad {
  workers: number;
  missing: string[];
  complete: boolean;
  channels: number;
  rate: number;
}

/** What the answers of a cell's workers say of the cell. */
export function loadOf({ answers, missing, complete }: WorkerAnswers): CellLoad {
  const rate = answers.reduce((sum, status) => sum + status.rate, 0);
  return {
    workers: new Set(answers.map(({ worker }) => worker)).size,
    missing,
    complete,
    // One worker counts the channels of the whole cell.
    channels: Math.max(0, ...answers.map(({ channels }) => channels)),
    rate: Math.round(rate * 10) / 10,
  };
}

/** The worker that owns a partition. Two may say so for a moment; the log decides between them. */
export function ownerOf(partition: number, answers: readonly WorkerStatus[]): string | null {
  return answers.find(({ partitions }) => partitions.includes(partition))?.worker ?? null;
}
