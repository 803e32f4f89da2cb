/** Reads the whole past of channels page by page and holds it against what was acknowledged. */
import { addVerdict, cleanVerdict, judge, type Verdict } from "../judge.js";
import type { Lane } from "./lane.js";
import type { LoadClient } from "./load-client.js";
import type { HistoryResult } from "./orders.js";
import type { Arrival, Payload } from "./watch.js";

const PAGE = 200;
/** Channels read at once. */
const LANES = 16;
const ATTEMPTS = 5;

/** @param excused channels that began a new epoch, with word of it: what lies before it is gone */
export async function checkHistories(
  clients: readonly LoadClient[],
  lanes: readonly Lane[],
  excused: ReadonlySet<string>,
): Promise<HistoryResult> {
  const result: HistoryResult = { channels: 0, messages: 0, verdict: cleanVerdict() };
  let next = 0;
  const reader = async (client: LoadClient) => {
    for (let lane = lanes[next++]; lane !== undefined; lane = lanes[next++]) {
      const { verdict, messages } = await checkHistory(client, lane, excused.has(lane.channel));
      result.channels++;
      result.messages += messages;
      addVerdict(result.verdict, verdict);
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, i) => reader(clients[i % clients.length]!)));
  return result;
}

async function checkHistory(
  client: LoadClient,
  lane: Lane,
  excused: boolean,
): Promise<{ verdict: Verdict; messages: number }> {
  const arrivals: Arrival[] = [];
  let after = 0;
  for (;;) {
    const page = await readPage(client, lane.channel, after);
    for (const { seq, data } of page.messages)
      arrivals.push({ epoch: page.epoch, seq, number: (data as Payload).n });
    after = page.messages.at(-1)?.seq ?? after;
    if (!page.more || page.messages.length === 0) break;
  }
  const what = `history of ${lane.channel}`;
  const verdict = judge(what, lane.acks, arrivals, excused);
  if (!excused && arrivals.length > 0 && arrivals[0]!.seq !== 1) {
    verdict.misnumbered++;
    verdict.findings.push(`${what} begins with seq ${arrivals[0]!.seq}`);
  }
  return { verdict, messages: arrivals.length };
}

async function readPage(client: LoadClient, channel: string, after: number) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await client.history(channel, after, PAGE);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (attempt === ATTEMPTS)
        throw new Error(`history of ${channel} after ${after}: ${why}`, { cause: error });
    }
  }
}
