import type { ConnectOptions, TestCluster } from "../harness/cluster.js";
import type { Encoding, RawClient, RawFrame } from "../harness/raw-client.js";

/** What each case of the protocol is given: it runs once per encoding, on channels of its own. */
export interface ProtocolCase {
  readonly cluster: TestCluster;
  readonly encoding: Encoding;
  /** A channel of the namespace `chat`. */
  channel(name: string): string;
  /** A client that was welcomed. */
  connect(user: string, options?: ConnectOptions): Promise<RawClient>;
  /** A client that has said nothing yet. */
  open(): Promise<RawClient>;
}

/** Publishes so many messages `{i}`, several to a record. */
export async function publishMany(
  client: RawClient,
  ch: string,
  n: number,
  perRecord = 40,
  filler = "",
): Promise<void> {
  for (let from = 0; from < n; from += perRecord) {
    const batch: RawFrame[] = [];
    for (let i = from; i < Math.min(n, from + perRecord); i++)
      batch.push({ op: "pub", id: client.nextId(), ch, data: { i, filler } });
    const replies = batch.map(({ id }) => client.reply(id as number));
    client.send(batch);
    for (const answer of await Promise.all(replies))
      if (answer.op !== "ok") throw new Error(`not published: ${JSON.stringify(answer)}`);
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
