/** Reading a channel's past: pages, one after the other at a steady rate or as fast as they come, and resumes. */
import { DIALECTS } from "./dialects.js";
import { Latencies, openLoop } from "./latencies.js";
import { type Load, noCounts, padding, type Target } from "./load.js";
import { Course, openReady } from "./sockets.js";
import { encodeTexts, type LoadWebSocket } from "./websocket.js";

export interface HistoryPlan {
  readonly kind: "history";
  readonly target: Target;
  /** Messages that the channel has got before anything is read. */
  readonly messages: number;
  readonly channel: string;
  readonly bytes: number;
  readonly read: HistoryRead;
}

/**
 * `newest`: the last page, `deep`: one from anywhere in the log, each at a rate; `pages`: from anywhere, as many as come;
 * `resume`: a client that missed so many messages, from its connection until it has them all, one after the other.
 */
export type HistoryRead =
  | { readonly what: "newest" | "deep"; readonly perSecond: number; readonly page: number }
  | { readonly what: "pages"; readonly atOnce: number; readonly page: number }
  | { readonly what: "resume"; readonly missed: number };

/** Publishes without an answer while the channel is filled: what a record holds at most. */
const FILL_WINDOW = 50;
/** A prime: places all over the channel, in no order. */
const STRIDE = 7_919;
const FIRST_READ_ID = 1_000_000;
const ANSWER = /^\{"op":"(ok|err)","id":(\d+)/;

export async function history(plan: HistoryPlan): Promise<Load> {
  const epoch = await fill(plan);
  return plan.read.what === "resume" ? resume(plan, plan.read.missed, epoch) : pages(plan, plan.read);
}

async function pages(
  { target, channel, messages }: HistoryPlan,
  read: Exclude<HistoryRead, { what: "resume" }>,
): Promise<Load> {
  const counts = noCounts();
  const latencies = new Latencies();
  const due = new Map<number, number>();
  let id = FIRST_READ_ID;
  const course = new Course();
  const ask = (dueMs: number) => {
    const place = read.page + 1 + ((id * STRIDE) % Math.max(1, messages - read.page));
    const before = read.what === "newest" ? "" : `,"before":${place}`;
    due.set(id, dueMs);
    counts.published++;
    socket.send(`{"op":"history","id":${id++},"ch":"${channel}","limit":${read.page}${before}}`);
  };
  const frame = (chunk: Buffer, from: number, to: number) => {
    const match = ANSWER.exec(chunk.toString("latin1", from, Math.min(to, from + 60)));
    const dueMs = match === null ? undefined : due.get(Number(match[2]));
    if (dueMs === undefined) return;
    if (match![1] === "err") throw new Error(chunk.toString("latin1", from, to));
    due.delete(Number(match![2]));
    latencies.record(performance.now() - dueMs);
    counts.acknowledged++;
    counts.delivered += read.page;
    if (read.what === "pages" && !course.isOver) ask(performance.now());
  };
  const socket = await openReady(
    target,
    { token: target.token, channels: [] },
    { frame, closed: course.closed },
  );
  let end: () => void = () => undefined;
  if (read.what === "pages") for (let i = 0; i < read.atOnce; i++) ask(performance.now());
  else end = openLoop(read.perSecond, ask);
  return {
    counts,
    takeLatency: () => latencies.take(),
    stop: () => {
      end();
      course.end([socket]);
    },
  };
}

async function resume(
  { target, channel, messages }: HistoryPlan,
  missed: number,
  epoch: string,
): Promise<Load> {
  const counts = noCounts();
  const latencies = new Latencies();
  const since = { epoch, seq: messages - missed };
  const again = async () => {
    for (;;) {
      const startedAt = performance.now();
      const socket = await resumed(target, channel, since, missed);
      if (isOver) return socket.cut();
      latencies.record(performance.now() - startedAt);
      counts.acknowledged++;
      counts.delivered += missed;
      socket.cut();
    }
  };
  let isOver = false;
  const over = again();
  return {
    counts,
    takeLatency: () => latencies.take(),
    stop: () => {
      isOver = true;
      return over;
    },
  };
}

/** A connection that has all that it missed. */
async function resumed(
  target: Target,
  channel: string,
  since: { epoch: string; seq: number },
  missed: number,
): Promise<LoadWebSocket> {
  let came = 0;
  let complete: () => void = () => undefined;
  const isComplete = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const take = (chunk: Buffer, from: number, to: number) => {
    came += DIALECTS.plexus.messagesIn(chunk, from, to);
    if (came >= missed) complete();
  };
  const listener = {
    before: (_: string, chunk: Buffer, from: number, to: number) => take(chunk, from, to),
    frame: take,
    closed: () => undefined,
  };
  const socket = await openReady(target, { token: target.token, channels: [channel], since }, listener);
  await isComplete;
  return socket;
}

/** Publishes until the channel has its messages, unless it has them already; returns its epoch. */
async function fill({ target, channel, messages, bytes }: HistoryPlan): Promise<string> {
  let head: { epoch: string; seq: number } | undefined;
  let sent = 0;
  let done: () => void = () => undefined;
  const isDone = new Promise<void>((resolve) => {
    done = resolve;
  });
  const frame = (chunk: Buffer, from: number, to: number) => {
    const text = chunk.toString("latin1", from, to);
    head = positionOf(text) ?? head;
    const stored = head?.seq ?? 0;
    if (stored >= messages) return done();
    sent = Math.max(sent, stored);
    const texts: string[] = [];
    for (; sent < messages && sent - stored < FILL_WINDOW; sent++)
      texts.push(DIALECTS.plexus.publish(sent, channel, padding(bytes)));
    if (texts.length > 0) socket.write(encodeTexts(texts));
  };
  const closed = () => done();
  const socket = await openReady(target, { token: target.token, channels: [] }, { frame, closed });
  socket.send(`{"op":"history","id":2,"ch":"${channel}","limit":1}`);
  await isDone;
  if (head === undefined || head.seq < messages) throw new Error("the channel could not be filled");
  socket.listener = { frame: () => undefined, closed: () => undefined };
  socket.cut();
  return head.epoch;
}

/** The last position in a frame of answers. */
function positionOf(text: string): { epoch: string; seq: number } | undefined {
  if (text.includes('"op":"err"')) throw new Error(text);
  const epoch = /"epoch":"([^"]+)"/.exec(text)?.[1];
  const seq = [...text.matchAll(/"seq":(\d+)/g)].at(-1)?.[1];
  return epoch === undefined || seq === undefined ? undefined : { epoch, seq: Number(seq) };
}
