/** First questions to channels that nobody has in memory, one after the other at a steady rate. */
import { encodeRecord, joinFragments, logStream, messageFragment, subjects } from "@plexus/protocol";
import { connect } from "nats";
import { Latencies, openLoop } from "./latencies.js";
import { type Load, noCounts, type Target } from "./load.js";
import { openReady } from "./sockets.js";

/** Channels that nobody has in memory. */
interface ColdChannels {
  readonly natsUrl: string;
  readonly cell: string;
  readonly tenant: string;
  readonly run: string;
  /** Channels in the log, with one message each. */
  readonly channels: number;
  readonly perSecond: number;
}

export interface ActivatePlan extends ColdChannels {
  readonly kind: "activate";
  readonly target: Target;
  /** What is asked first: to subscribe, or to store a message, for which the ids of the window are needed as well. */
  readonly first: "sub" | "pub";
}

/** Of channels with which `activate` has filled the log: the question by which a worker finds out where one stands. */
export interface ColdReadPlan extends ColdChannels {
  readonly kind: "cold-read";
}

/** Appends without an answer while the log is filled. */
const FILL_WINDOW = 512;
const ANSWER = /"op":"(ok|err)","id":(\d+)/;

export async function activate(plan: ActivatePlan): Promise<Load> {
  const { target, first } = plan;
  await fill(plan);
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
        `{"op":"unsub","id":${counts.published + 1_000_000},"ch":"${coldChannel(plan, Number(match![2]))}"}`,
      );
  };
  const closed = () => {
    throw new Error("a connection of the load was closed");
  };
  const socket = await openReady(target, { token: target.token, channels: [] }, { frame, closed });
  let id = 1;
  const end = openLoop(plan.perSecond, (dueMs) => {
    if (++id > plan.channels) return;
    counts.published++;
    due.set(id, dueMs);
    const asked = first === "sub" ? "" : ',"data":1';
    socket.send(`{"op":"${first}","id":${id},"ch":"${coldChannel(plan, id)}"${asked}}`);
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

export async function coldRead(plan: ColdReadPlan): Promise<Load> {
  const { cell, tenant } = plan;
  const nats = await connect({ servers: plan.natsUrl });
  const counts = noCounts();
  const latencies = new Latencies();
  const question = `$JS.API.DIRECT.GET.${logStream(cell)}`;
  nats.subscribe("bench.read.*", {
    callback: (_, { subject, headers }) => {
      if (!headers?.get("Nats-Sequence")) throw new Error(`no record: ${headers?.description}`);
      latencies.record(performance.now() - Number(subject.slice("bench.read.".length)) / 1_000);
      counts.acknowledged++;
    },
  });
  let id = 1;
  const end = openLoop(plan.perSecond, (dueMs) => {
    if (++id > plan.channels) return;
    counts.published++;
    const ask = JSON.stringify({ last_by_subj: subjects.log(cell, tenant, coldChannel(plan, id)) });
    nats.publish(question, ask, { reply: `bench.read.${Math.round(dueMs * 1_000)}` });
  });
  return {
    counts,
    takeLatency: () => latencies.take(),
    stop: async () => {
      end();
      await nats.close();
    },
  };
}

/** Spread over all channels, none of them twice. */
function coldChannel({ run, channels }: ColdChannels, id: number): string {
  return nameOf(run, (id * 7_919) % channels);
}

function nameOf(run: string, number: number): string {
  return `bench.cold-${run}-${number}`;
}

/** Straight into the log, as records of actors that are gone. */
async function fill({ natsUrl, cell, tenant, run, channels }: ColdChannels): Promise<void> {
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
      const name = nameOf(run, sent);
      const record = encodeRecord(name, "bench", 1, [joinFragments([fragment])], Date.now());
      nats.publish(subjects.log(cell, tenant, name), record, { reply: "bench.filled" });
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
