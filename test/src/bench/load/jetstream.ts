/**
 * The limit of the log: fenced appends to a stream that is set up as a cell's is, as plain publishes with one inbox for
 * all acknowledgements. And the two hops that a message can't do without, timed at a steady rate.
 */
import { jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "nats";
import { Latencies, openLoop } from "./latencies.js";
import { type Load, noCounts } from "./load.js";

const STREAM = "BENCH";
const FENCE = "Nats-Expected-Last-Subject-Sequence";

async function open(natsUrl: string): Promise<NatsConnection> {
  const nats = await connect({ servers: natsUrl });
  const { streams } = await jetstreamManager(nats, { checkAPI: false });
  await streams.delete(STREAM).catch(() => false); // of the round before
  await streams.add({
    name: STREAM,
    subjects: ["bench.log.>"],
    storage: StorageType.File,
    republish: { src: "bench.log.>", dest: "bench.evt.>" },
  });
  return nats;
}

export interface AppendPlan {
  readonly kind: "append";
  readonly natsUrl: string;
  readonly subjects: number;
  readonly bytes: number;
}

/** One append on its way for each subject, as the fence wants it. */
export async function append(plan: AppendPlan): Promise<Load> {
  const nats = await open(plan.natsUrl);
  const counts = noCounts();
  const body = Buffer.alloc(plan.bytes, "x");
  let stopped = false;
  const send = (subject: number, fence: number) => {
    if (stopped) return;
    const fenced = headers();
    fenced.set(FENCE, String(fence));
    counts.published++;
    nats.publish(`bench.log.${subject}`, body, { headers: fenced, reply: `bench.ack.${subject}` });
  };
  nats.subscribe("bench.ack.*", {
    callback: (_, message) => {
      const answer = message.json<{ seq?: number; error?: unknown }>();
      if (answer.seq === undefined) throw new Error(`append refused: ${JSON.stringify(answer.error)}`);
      counts.acknowledged++;
      send(Number(message.subject.slice("bench.ack.".length)), answer.seq);
    },
  });
  for (let subject = 0; subject < plan.subjects; subject++) send(subject, 0);
  return {
    counts,
    stop: async () => {
      stopped = true;
      await nats.close();
    },
  };
}

export interface HopPlan {
  readonly kind: "hop";
  readonly natsUrl: string;
  readonly hop: "append" | "core";
  readonly perSecond: number;
}

/** `append`: from a fenced append until its acknowledgement. `core`: from a publish until a subscriber has it. */
export async function hop(plan: HopPlan): Promise<Load> {
  const nats = await open(plan.natsUrl);
  const counts = noCounts();
  const latencies = new Latencies();
  const due: number[] = [];
  let fence = 0;
  let underWay = false;
  const next = () => {
    if (plan.hop !== "append" || underWay || due.length === 0) return;
    underWay = true;
    const fenced = headers();
    fenced.set(FENCE, String(fence));
    nats.publish("bench.log.0", "x", { headers: fenced, reply: "bench.ack.0" });
  };
  const arrived = (dueMs: number) => {
    latencies.record(performance.now() - dueMs);
    counts.delivered++;
  };
  nats.subscribe("bench.ack.0", {
    callback: (_, message) => {
      fence = message.json<{ seq: number }>().seq;
      underWay = false;
      arrived(due.shift()!);
      next();
    },
  });
  nats.subscribe("bench.core", { callback: (_, message) => arrived(Number(message.string())) });
  const end = openLoop(plan.perSecond, (dueMs) => {
    counts.published++;
    if (plan.hop === "core") return nats.publish("bench.core", String(dueMs));
    due.push(dueMs);
    next();
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
