/** Stores that fill up or forget, and clocks that jump. */
import { logStream } from "@plexus/protocol";
import { Redis } from "ioredis";
import type { Seeded } from "../../harness/seeded.js";
import type { World } from "../world.js";
import type { Fault } from "./fault.js";

const ANSWER_WITHIN_MS = 2_000;
/** Less than the skew that the idempotency window allows for (2 minutes). */
const CLOCK_JUMP_MS = 60_000;

interface StreamAnswer {
  config: { max_msg_size: number };
  error?: { description: string };
}

/**
 * The log takes no more records, as when its disk's share is used up. By their size, and not by a bound on bytes: one that
 * the log has outgrown by the time it is set makes JetStream drop the oldest, whatever it is to do with what is new.
 */
const logFull: Fault["begin"] = async (world, chance) => {
  const cell = aCell(world, chance);
  const name = `log of ${cell}`;
  if (!world.reserve(name)) return undefined;
  const { nats, options } = world.stage;
  const api = options.isolated ? `$JS.${cell}.API` : "$JS.API";
  const call = async (what: string, body: object = {}) => {
    const subject = `${api}.STREAM.${what}.${logStream(cell)}`;
    const answer = await nats.request(subject, JSON.stringify(body), { timeout: ANSWER_WITHIN_MS });
    return answer.json<StreamAnswer>();
  };
  const limitTo = async (maxMessageBytes: number) => {
    const { config } = await call("INFO");
    await call("UPDATE", { ...config, max_msg_size: maxMessageBytes });
  };
  const end = async () => {
    await untilDone(() => limitTo(-1));
    world.release(name);
  };
  try {
    await limitTo(1);
  } catch {
    world.release(name);
    return undefined; // the server is away because of another fault
  }
  return { target: name, end };
};

const redisFlush: Fault["begin"] = async (world, chance) => {
  const { process, proxy } = chance.pick(world.links.filter(({ broker }) => broker === "redis"));
  const options = { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null };
  const redis = new Redis(`redis://127.0.0.1:${proxy.port}`, {
    ...options,
    commandTimeout: ANSWER_WITHIN_MS,
  });
  redis.on("error", () => undefined); // the command's own rejection says it
  try {
    await redis.connect();
    await redis.flushall();
  } catch {
    return undefined; // away because of another fault
  } finally {
    redis.disconnect();
  }
  return { target: `the one of ${process}`, end: async () => undefined };
};

const clockJump: Fault["begin"] = async (world, chance) => {
  const ids = world.stage.cluster.processes.filter(({ kind }) => kind === "worker" || kind === "gateway");
  const { id } = chance.pick(ids);
  const name = `clock of ${id}`;
  if (!world.reserve(name)) return undefined;
  const offsetMs = chance.int(-CLOCK_JUMP_MS, CLOCK_JUMP_MS);
  world.setClock(id, offsetMs);
  const end = async () => {
    world.setClock(id, 0);
    world.release(name);
  };
  return { target: `${name} by ${Math.round(offsetMs / 1_000)} s`, end };
};

function aCell({ stage }: World, chance: Seeded): string {
  return chance.pick(stage.options.cells);
}

/** Other faults may stand in the way; they end. */
async function untilDone(task: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 30; tries++) {
    try {
      return void (await task());
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
  throw new Error("a fault could not be ended");
}

export const STATE_FAULTS = {
  "log-full": { doc: "the log of a cell takes no more records", lastsMs: [1_000, 5_000], begin: logFull },
  "redis-flush": { doc: "a Redis is emptied (FLUSHALL)", lastsMs: [0, 0], begin: redisFlush },
  "clock-jump": {
    doc: "the clock of a worker or a gateway jumps by up to a minute, and later back",
    lastsMs: [1_000, 10_000],
    begin: clockJump,
  },
} satisfies Record<string, Fault>;
