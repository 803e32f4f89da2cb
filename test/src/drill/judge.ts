/** Whether what was published is what was received; pure. */
import type { Ack } from "./load/lane.js";
import type { Arrival } from "./load/watch.js";

export interface Verdict {
  /** Acknowledged, and never received. */
  lost: number;
  /** Received again. */
  duplicated: number;
  /** Received after a later message of the same publisher. */
  reordered: number;
  /** The seq does not follow the one before, or is not the acknowledged one. */
  misnumbered: number;
  /** The first few findings, in words. */
  findings: string[];
}

const MAX_FINDINGS = 5;

/**
 * Holds what one subscriber received against what was acknowledged to the publisher.
 *
 * @param acks by the publisher's number; a hole was never acknowledged, and may have been received or not
 * @param what names the subscriber in findings
 * @param excused a new epoch began, with word of it: what is missing is no silent loss
 */
export function judge(
  what: string,
  acks: ReadonlyArray<Ack | undefined>,
  arrivals: readonly Arrival[],
  excused = false,
): Verdict {
  const verdict: Verdict = { lost: 0, duplicated: 0, reordered: 0, misnumbered: 0, findings: [] };
  const found = (kind: "lost" | "duplicated" | "reordered" | "misnumbered", text: string) => {
    verdict[kind]++;
    if (verdict.findings.length < MAX_FINDINGS) verdict.findings.push(`${what}: ${text}`);
  };
  const received = new Set<number>();
  let newest = -1;
  let before: Arrival | undefined;
  for (const arrival of arrivals) {
    const { number, seq, epoch } = arrival;
    if (received.has(number)) found("duplicated", `message ${number} came again at ${seq}`);
    else if (number < newest) found("reordered", `message ${number} came after ${newest}, at ${seq}`);
    received.add(number);
    newest = Math.max(newest, number);
    if (before?.epoch === epoch && seq !== before.seq + 1)
      found("misnumbered", `seq ${seq} came after ${before.seq}`);
    if (before !== undefined && before.epoch !== epoch && !excused)
      found("misnumbered", `epoch ${epoch} came after ${before.epoch} without a word`);
    const ack = acks[number];
    if (ack !== undefined && (ack.seq !== seq || ack.epoch !== epoch))
      found(
        "misnumbered",
        `message ${number} has ${epoch}/${seq}, was acknowledged as ${ack.epoch}/${ack.seq}`,
      );
    before = arrival;
  }
  for (const [number, ack] of acks.entries())
    if (ack !== undefined && !received.has(number) && !excused)
      found("lost", `message ${number}, acknowledged at ${ack.seq}, never came`);
  return verdict;
}

export function addVerdict(sum: Verdict, one: Verdict): void {
  sum.lost += one.lost;
  sum.duplicated += one.duplicated;
  sum.reordered += one.reordered;
  sum.misnumbered += one.misnumbered;
  sum.findings.push(...one.findings.slice(0, Math.max(0, MAX_FINDINGS * 4 - sum.findings.length)));
}

export function cleanVerdict(): Verdict {
  return { lost: 0, duplicated: 0, reordered: 0, misnumbered: 0, findings: [] };
}
