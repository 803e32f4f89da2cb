import { subjects } from "@plexus/protocol";
import { gather, type Logger, type NatsConnection, type WorkerStatus } from "@plexus/runtime";

/** Asks all workers of a cell how they are. */
export function askWorkers(nats: NatsConnection, cell: string, log: Logger): Promise<WorkerStatus[]> {
  return gather<WorkerStatus>(nats, subjects.workerStatus(cell), {}, log, { enough: allPeersAnswered });
}

/** Workers know of each other, so it is known when all have answered. */
export function allPeersAnswered(answers: readonly WorkerStatus[]): boolean {
  const heard = new Set(answers.map(({ worker }) => worker));
  return answers.every(({ peers }) => peers.every((peer) => heard.has(peer)));
}

export interface CellLoad {
  workers: number;
  channels: number;
  rate: number;
}

/** What the answers of a cell's workers say of the cell. */
export function loadOf(answers: readonly WorkerStatus[]): CellLoad {
  const rate = answers.reduce((sum, status) => sum + status.rate, 0);
  return {
    workers: answers.length,
    // One worker counts the channels of the whole cell.
    channels: Math.max(0, ...answers.map(({ channels }) => channels)),
    rate: Math.round(rate * 10) / 10,
  };
}

/** The worker that owns a partition. Two may say so for a moment; the log decides between them. */
export function ownerOf(partition: number, answers: readonly WorkerStatus[]): string | null {
  return answers.find(({ partitions }) => partitions.includes(partition))?.worker ?? null;
}
