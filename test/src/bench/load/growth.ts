/** Many channels with a subscriber and a publisher each, and messages at a steady rate that go to one after the other. */
import { DIALECTS } from "./dialects.js";
import { openLoop } from "./latencies.js";
import { type Load, noCounts, padding, type Target } from "./load.js";
import { Course, openMany, openReady } from "./sockets.js";
import { encodeTexts, type LoadWebSocket } from "./websocket.js";

export interface GrowthPlan {
  readonly kind: "growth";
  readonly target: Target;
  readonly run: string;
  readonly connections: number;
  readonly channelsEach: number;
  readonly bytes: number;
  readonly perSecond: number;
}

/** Connections that are opened at a time: each asks for hundreds of channels. */
const AT_ONCE = 4;
/** Publishes without an answer while every channel gets its first message. */
const FIRST_WINDOW = 1_000;

export async function growth(plan: GrowthPlan): Promise<Load> {
  const { target, run, connections, channelsEach } = plan;
  const { messagesIn, acksIn, publish } = DIALECTS.plexus;
  const counts = noCounts();
  const data = padding(plan.bytes);
  const course = new Course();
  let progress: () => void = () => undefined;
  const frame = (chunk: Buffer, from: number, to: number) => {
    const messages = messagesIn(chunk, from, to);
    if (messages > 0) counts.delivered += messages;
    else counts.acknowledged += acksIn(chunk, from, to);
    progress();
  };
  const name = (connection: number, channel: number) => `bench.growth-${run}-${connection}-${channel}`;
  const sockets: LoadWebSocket[] = await openMany(
    connections,
    (number) => {
      const channels = Array.from({ length: channelsEach }, (_, i) => name(number, i));
      return openReady(target, { token: target.token, channels }, { frame, closed: course.closed }, number);
    },
    AT_ONCE,
  );
  const send = () => {
    const connection = counts.published % connections;
    const channel = Math.floor(counts.published / connections) % channelsEach;
    sockets[connection]!.write(encodeTexts([publish(counts.published++, name(connection, channel), data)]));
  };
  // Once to each channel, so that all of them are in memory.
  const all = connections * channelsEach;
  await new Promise<void>((resolve) => {
    progress = () => {
      while (counts.published < all && counts.published - counts.acknowledged < FIRST_WINDOW) send();
      // An answer to a subscription may be among them, which came behind that to the last one.
      if (counts.acknowledged >= all) resolve();
    };
    progress();
  });
  progress = () => undefined;
  const end = openLoop(plan.perSecond, send);
  return {
    counts,
    stop: () => {
      end();
      course.end(sockets);
    },
  };
}
