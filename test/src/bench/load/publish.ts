/** Publishers that keep a number of publishes without an answer, each to one channel. */
import { DIALECTS } from "./dialects.js";
import { type Load, noCounts, padding, type Target } from "./load.js";
import { Course, openMany, openReady } from "./sockets.js";
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

/** The first id; all that follow have as many digits, of which so many count. */
const FIRST_ID = 1_000_000_000;
const COUNTING_DIGITS = 8;
const DIGIT_ZERO = 0x30;

/** What is sent for so many publishes, but for their ids. */
interface Template {
  readonly bytes: Buffer;
  /** Behind the last digit of each id; none where the other side knows no ids. */
  readonly idEnds: readonly number[];
}

/** Publishes that differ in their ids alone, which are written over what was put together once. */
class NumberedPublishes {
  readonly #messagesOf: (ids: readonly number[]) => readonly string[];
  /** By how many there are. */
  readonly #templates = new Map<number, Template>();
  #id = 0;

  /** @param messagesOf WebSocket messages that publish under these ids */
  constructor(messagesOf: (ids: readonly number[]) => readonly string[]) {
    this.#messagesOf = messagesOf;
  }

  /** So many, in memory of their own: the socket may still have what was written before. */
  next(count: number): Buffer {
    const { bytes, idEnds } = this.#template(count);
    const publishes = Buffer.from(bytes);
    for (const end of idEnds) {
      let rest = this.#id++;
      for (let at = end - 1; at >= end - COUNTING_DIGITS; at--, rest = Math.floor(rest / 10))
        publishes[at] = DIGIT_ZERO + (rest % 10);
    }
    return publishes;
  }

  #template(count: number): Template {
    const known = this.#templates.get(count);
    if (known !== undefined) return known;
    const [bytes, other] = [FIRST_ID, FIRST_ID + 1].map((id) =>
      encodeTexts(this.#messagesOf(new Array<number>(count).fill(id))),
    ) as [Buffer, Buffer];
    const idEnds = [...bytes.keys()].filter((at) => bytes[at] !== other[at]).map((last) => last + 1);
    const template = { bytes, idEnds };
    this.#templates.set(count, template);
    return template;
  }
}

export async function publish(plan: PublishPlan): Promise<Load> {
  const { target, channels, window } = plan;
  const dialect = DIALECTS[target.dialect];
  const counts = noCounts();
  const data = padding(plan.bytes);
  const course = new Course();
  const sockets = await openMany(plan.publishers, async (number) => {
    const channel = channels[number % channels.length]!;
    let socket: LoadWebSocket | undefined;
    const publishes = new NumberedPublishes((ids) =>
      dialect.together(ids.map((id) => dialect.publish(id, channel, data))),
    );
    const send = (count: number) => {
      if (course.isOver || count === 0) return;
      socket?.write(publishes.next(count));
      counts.published += count;
    };
    const frame = (chunk: Buffer, from: number, to: number) => {
      const acks = dialect.acksIn(chunk, from, to);
      counts.acknowledged += acks;
      send(acks);
    };
    socket = await openReady(target, { token: target.token, channels: [] }, { frame, closed: course.closed });
    return { socket, begin: () => send(window) };
  });
  for (const { begin } of sockets) begin();
  return {
    counts,
    stop: () => course.end(sockets.map(({ socket }) => socket)),
  };
}
