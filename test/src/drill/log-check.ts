/** Asks the logs of the cells themselves, through JetStream, whether every channel is where it is at home. */
import { logStream, parseLogSubject, readHead } from "@plexus/protocol";
import { type Directory, homeOf, type NatsConnection } from "@plexus/runtime";

const ANSWER_WITHIN_MS = 10_000;
/** Questions under way at once. */
const LANES = 32;

export interface LogCheck {
  /** Channels that the log knows. */
  channels: number;
  /** Those whose newest record is no seal though they are at home in another cell. */
  left: string[];
}

/**
 * @param isolated the cell has brokers of its own, in a JetStream domain of its name
 */
export async function checkLog(
  nats: NatsConnection,
  directory: Directory,
  cell: string,
  isolated: boolean,
): Promise<LogCheck> {
  const api = isolated ? `$JS.${cell}.API` : "$JS.API";
  const subjects = await subjectsOf(nats, api, cell);
  const left: string[] = [];
  let next = 0;
  const lane = async () => {
    for (let subject = subjects[next++]; subject !== undefined; subject = subjects[next++]) {
      const { tenant, channel } = parseLogSubject(subject)!;
      if (homeOf(directory, tenant, channel)?.cell === cell) continue;
      const question = JSON.stringify({ last_by_subj: subject });
      const stream = `${api}.DIRECT.GET.${logStream(cell)}`;
      const { data } = await nats.request(stream, question, { timeout: ANSWER_WITHIN_MS });
      if (readHead(data)?.op !== "seal") left.push(channel);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { channels: subjects.length, left };
}

interface StreamInfo {
  error?: { description: string };
  total?: number;
  state?: { subjects?: Record<string, number> };
}

/** Page by page: the server lists so many subjects in one answer at most. */
async function subjectsOf(nats: NatsConnection, api: string, cell: string): Promise<string[]> {
  const subjects: string[] = [];
  for (;;) {
    const question = JSON.stringify({ subjects_filter: ">", offset: subjects.length });
    const stream = `${api}.STREAM.INFO.${logStream(cell)}`;
    const answer = await nats.request(stream, question, { timeout: ANSWER_WITHIN_MS });
    const { error, total = 0, state } = answer.json<StreamInfo>();
    if (error !== undefined) throw new Error(`the log of ${cell}: ${error.description}`);
    const page = Object.keys(state?.subjects ?? {});
    subjects.push(...page);
    if (page.length === 0 || subjects.length >= total) return subjects;
  }
}
