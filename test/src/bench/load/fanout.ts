/** Publishers that keep a number of messages on their way to many subscribers of one channel. */
import { DIALECTS } from "./dialects.js";
import { type Load, noCounts, padding, type Target } from "./load.js";
import { Course, openMany, openReady } from "./sockets.js";
import { encodeTexts, type LoadWebSocket } from "./websocket.js";

export interface FanOutPlan {
  readonly kind: "fanout";
  readonly target: Target;
  readonly channel: string;
  readonly subscribers: number;
  readonly publishers: number;
  /** Of a message's data. */
  readonly bytes: number;
  /** Messages that the first subscriber has not got yet, at most. */
  readonly window: number;
}

export async function fanOut(plan: FanOutPlan): Promise<Load> {
  const { target, channel, window } = plan;
  const dialect = DIALECTS[target.dialect];
  const counts = noCounts();
  const data = padding(plan.bytes);
  let publishers: LoadWebSocket[] = [];
  let received = 0;
  const course = new Course();
  const pump = () => {
    if (course.isOver || publishers.length === 0) return;
    // In bursts: a server that sends what came at once in one go, as uWebSockets does, shall have the chance to.
    if (counts.published - received > window / 2) return;
    const texts: string[][] = publishers.map(() => []);
    for (; counts.published - received < window; counts.published++)
      texts[counts.published % publishers.length]!.push(dialect.publish(counts.published, channel, data));
    for (const [i, some] of texts.entries()) if (some.length > 0) publishers[i]!.write(encodeTexts(some));
  };
  const listen = (isFirst: boolean) => {
    let socket: LoadWebSocket | undefined;
    const frame = (chunk: Buffer, from: number, to: number) => {
      const n = dialect.messagesIn(chunk, from, to);
      counts.delivered += n;
      if (n === 0) {
        const reply = dialect.reply(chunk, from);
        if (reply !== null) socket?.send(reply);
        return;
      }
      if (!isFirst) return;
      received += n;
      pump();
    };
    return { frame, closed: course.closed, attach: (opened: LoadWebSocket) => (socket = opened) };
  };
  const subscribers = await openMany(plan.subscribers, async (number) => {
    const listener = listen(number === 0);
    const wanted = { token: target.token, channels: [channel] };
    return listener.attach(await openReady(target, wanted, listener, number));
  });
  publishers = await openMany(plan.publishers, () => {
    const frame = (chunk: Buffer, from: number, to: number) => {
      counts.acknowledged += dialect.acksIn(chunk, from, to);
    };
    return openReady(target, { token: target.token, channels: [] }, { frame, closed: course.closed });
  });
  pump();
  return {
    counts,
    stop: () => course.end([...subscribers, ...publishers]),
  };
}
