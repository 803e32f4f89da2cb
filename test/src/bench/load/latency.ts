/** Messages at a steady rate, each timed from when it was due until each subscriber has it. */
import { DIALECTS } from "./dialects.js";
import { Latencies, openLoop } from "./latencies.js";
import { type Load, noCounts, type Target } from "./load.js";
import { Course, openMany, openReady } from "./sockets.js";

export interface LatencyPlan {
  readonly kind: "latency";
  readonly target: Target;
  readonly channel: string;
  readonly subscribers: number;
  readonly perSecond: number;
}

/** The time stands in the data, behind this. */
const MARK = Buffer.from("due=");
const COMMA = 0x2c;

export async function latency(plan: LatencyPlan): Promise<Load> {
  const { target, channel } = plan;
  const dialect = DIALECTS[target.dialect];
  const counts = noCounts();
  const latencies = new Latencies();
  const course = new Course();
  const frame = (chunk: Buffer, from: number, to: number) => {
    if (dialect.messagesIn(chunk, from, to) === 0) return;
    const now = performance.now();
    // A record may hold several messages.
    for (let at = chunk.indexOf(MARK, from); at !== -1 && at < to; at = chunk.indexOf(MARK, at + 1)) {
      const end = chunk.indexOf(COMMA, at);
      latencies.record(now - Number(chunk.toString("latin1", at + MARK.length, end)));
      counts.delivered++;
    }
  };
  const wanted = { token: target.token, channels: [channel] };
  const subscribers = await openMany(plan.subscribers, (number) =>
    openReady(target, wanted, { frame, closed: course.closed }, number),
  );
  const acknowledged = (chunk: Buffer, from: number, to: number) => {
    counts.acknowledged += dialect.acksIn(chunk, from, to);
  };
  const nobody = { token: target.token, channels: [] };
  const publisher = await openReady(target, nobody, { frame: acknowledged, closed: course.closed });
  const end = openLoop(plan.perSecond, (dueMs) =>
    publisher.send(dialect.publish(counts.published++, channel, `due=${dueMs.toFixed(3)},`)),
  );
  return {
    counts,
    takeLatency: () => latencies.take(),
    stop: () => {
      end();
      course.end([...subscribers, publisher]);
    },
  };
}
