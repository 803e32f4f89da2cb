/** Publishers that keep a number of publishes without an answer, each to one channel. */
import { DIALECTS } from "./dialects.js";
import { type Load, noCounts, padding, type Target } from "./load.js";
import { openMany, openReady } from "./sockets.js";
import { encodeTexts, type LoadWebSocket } from "./websocket.js";

export interface PublishPlan {
  readonly kind: "publish";
  readonly target: Target;
  readonly channels: readonly string[];
  readonly publishers: number;
  readonly bytes: number;
  /** Of each publisher. */
  readonly window: number;
}

export async function publish(plan: PublishPlan): Promise<Load> {
  const { target, channels, window } = plan;
  const dialect = DIALECTS[target.dialect];
  const counts = noCounts();
  const data = padding(plan.bytes);
  let stopped = false;
  const sockets = await openMany(plan.publishers, async (number) => {
    const channel = channels[number % channels.length]!;
    let socket: LoadWebSocket | undefined;
    const send = (count: number) => {
      if (stopped || count === 0) return;
      const texts = Array.from({ length: count }, () => dialect.publish(counts.published++, channel, data));
      socket?.write(encodeTexts(texts));
    };
    const frame = (chunk: Buffer, from: number, to: number) => {
      const acks = dialect.acksIn(chunk, from, to);
      counts.acknowledged += acks;
      send(acks);
    };
    const closed = () => {
      if (!stopped) throw new Error("a connection of the load was closed");
    };
    socket = await openReady(target, { token: target.token, channels: [] }, { frame, closed });
    return { socket, begin: () => send(window) };
  });
  for (const { begin } of sockets) begin();
  return {
    counts,
    stop: () => {
      stopped = true;
      for (const { socket } of sockets) socket.cut();
    },
  };
}
