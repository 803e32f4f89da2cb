/** First questions to channels that nobody has in memory, one after the other at a steady rate. */
import { encodeRecord, joinFragments, messageFragment, subjects } from "@plexus/protocol";
import { connect } from "nats";
import { Latencies, openLoop } from "./latencies.js";
import { type Load, noCounts, type Target } from "./load.js";
import { openReady } from "./sockets.js";

export interface ActivatePlan {
  readonly kind: "activate";
  readonly target: Target;
  readonly natsUrl: string;
  readonly cell: string;
  readonly tenant: string;
  readonly run: string;
  /** Channels in the log, with one message each. */
  readonly channels: number;
  readonly perSecond: number;
  /** What is asked first: to subscribe, or to store a message, for which the ids of the window are needed as well. */
  readonly first: "sub" | "pub";
}

/** Appends without an answer while the log is filled. */
const FILL_WINDOW = 512;
const ANSWER = /"op":"(ok|err)","id":(\d+)/;

export async function activate(plan: ActivatePlan): Promise<Load> {
  const { target, first, channels } = plan;
  const name = (number: number) => `bench.cold-${plan.run}-${number}`;
  await fill(plan, name);
  const counts = noCounts();
  const latencies = new Latencies();
  const due = new Map<number, number>();
  const frame = (chunk: Buffer, from: number, to: number) => {
    const match = ANSWER.exec(chunk.toString("latin1", from, Math.min(to, from + 60)));
    const dueMs = match === null ? undefined : due.get(Number(match[2]));
    if (dueMs === undefined) return;
    if (match![1] === "err") throw new Error(chunk.toString("latin1", from, to));
    due.delete(Number(match![2]));
    latencies.record(performance.now() - dueMs);
    counts.acknowledged++;
    // So that a connection's bound on channels is not met.
    if (first === "sub")
      socket.send(
        `{"op":"unsub","id":${counts.published + 1_000_000},"ch":"${name(at(Number(match![2])))}"}`,
      );
  };
  /** Spread over all channels, none of them twice. */
  const at = (id: number) => (id * 7_919) % channels;
  const closed = () => {
    throw new Error("a connection of the load was closed");
  };
  const socket = await openReady(target, { token: target.token, channels: [] }, { frame, closed });
  let id = 1;
  const end = openLoop(plan.perSecond, (dueMs) => {
    if (++id > channels) return;
    counts.published++;
    due.set(id, dueMs);
    const asked = first === "sub" ? "" : ',"data":1';
    socket.send(`{"op":"${first}","id":${id},"ch":"${name(at(id))}"${asked}}`);
  });
  return {
    counts,
    takeLatency: () => latencies.take(),
    stop: () => {
      end();
      socket.listener = { frame: () => undefined, closed: () => undefined };
      socket.cut();
    },
  };
}

/** Straight into the log, as records of actors that are gone. */
async function fill(
  { natsUrl, cell, tenant, channels }: ActivatePlan,
  name: (number: number) => string,
): Promise<void> {
  const nats = await connect({ servers: natsUrl });
  let stored = 0;
  let sent = 0;
  let done: () => void = () => undefined;
  const isDone = new Promise<void>((resolve) => {
    done = resolve;
  });
  const send = () => {
    for (; sent < channels && sent - stored < FILL_WINDOW; sent++) {
      const fragment = messageFragment(`m${sent}`, '"bench"', '"bench"', '"cold"');
      const record = encodeRecord(name(sent), "bench", 1, [joinFragments([fragment])], Date.now());
      nats.publish(subjects.log(cell, tenant, name(sent)), record, { reply: "bench.filled" });
    }
  };
  nats.subscribe("bench.filled", {
    callback: () => {
      if (++stored === channels) return done();
      send();
    },
  });
  send();
  await isDone;
  await nats.close();
}
