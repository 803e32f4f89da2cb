/** Pages of history to a client that offers compression, or does not; and publishes of one that compresses what it says. */
import { deflated } from "../../wire/frames.js";
import { DIALECTS } from "./dialects.js";
import { openLoop } from "./latencies.js";
import { type Load, noCounts, type Target, words } from "./load.js";
import { Course, openReady } from "./sockets.js";
import { encodeTexts } from "./websocket.js";

export interface CompressionPlan {
  readonly kind: "compression";
  readonly target: Target;
  readonly channel: string;
  /** Of each message. */
  readonly bytes: number;
  /** Whether the client offers it, and uses it. */
  readonly offered: boolean;
  readonly perSecond: number;
  /** Messages in a page; null: publishes instead. */
  readonly page: number | null;
}

export async function compression(plan: CompressionPlan): Promise<Load> {
  const { target, channel, bytes, offered, page, perSecond } = plan;
  const { publish, acksIn } = DIALECTS.plexus;
  const counts = noCounts();
  const course = new Course();
  let answered: () => void = () => undefined;
  const acknowledged = (chunk: Buffer, from: number, to: number) => {
    counts.acknowledged += acksIn(chunk, from, to);
    answered();
  };
  // A compressed frame is not looked into: the load's CPU time is that of a client without its unpacking.
  const arrived = (_: Buffer, from: number, to: number) => {
    counts.delivered++;
    counts.receivedBytes += to - from;
  };
  const wanted = { token: target.token, channels: [], offersCompression: offered };
  const publisher = await openReady(target, wanted, { frame: acknowledged, closed: course.closed });
  const next = () => publish(counts.published, channel, words(bytes, counts.published++));
  let send = () => publisher.write(offered ? deflated(next()) : encodeTexts([next()]));
  const sockets = [publisher];
  if (page !== null) {
    const filled = new Promise<void>((resolve) => {
      answered = () => counts.acknowledged === page && resolve();
    });
    for (let i = 0; i < page; i++) send();
    await filled;
    const reader = await openReady(target, wanted, { frame: arrived, closed: course.closed });
    sockets.push(reader);
    let id = 1;
    send = () => reader.send(`{"op":"history","id":${++id},"ch":"${channel}","limit":${page}}`);
  }
  const end = openLoop(perSecond, send);
  return {
    counts,
    stop: () => {
      end();
      course.end(sockets);
    },
  };
}
