import { TENANT } from "../../harness/tokens.js";
import { measure } from "../measure.js";
import { amount, perOperation, type Ratio, type Row } from "../report.js";
import { targetOf } from "../sides.js";
import { type Bench, inTurns, scaled, type Turn } from "./bench.js";

const CHANNELS = 200_000;
const PER_SECOND = 200;

/** What each way consists of at least: a frame to a server and one back, questions between two processes, the log. */
const HOPS = {
  sub: { uws: 1, core: 2, read: 1 },
  // The ids of the window lie in the record that was read, and the message has to be stored.
  pub: { uws: 1, core: 2, read: 1, append: 1 },
} as const;

const WHAT: Record<string, string> = {
  uws: "a frame to a bare uWebSockets.js server and one back",
  core: "a message from one NATS client to another",
  read: "the last record of a channel, asked of the same log",
  append: "a fenced append to JetStream and its acknowledgement",
};

/** The first question to a channel that nobody has in memory, where the log holds many; beside it the hops of its way. */
export const activation: Bench = {
  doc: "200,000 channels in the log, none in memory: the first subscription and the first publish",
  run: async (context) => {
    const [side, uws, nats] = [await context.plexus(), await context.uws(), await context.jetstream()];
    const channels = scaled(CHANNELS, context.scale);
    const cold = (run: string) => ({
      natsUrl: side.natsUrl!,
      cell: "eu-1",
      tenant: TENANT,
      run,
      channels,
      perSecond: PER_SECOND,
    });
    const filled = (first: string) => `${first}-${crypto.randomUUID().slice(0, 8)}`;
    const runs = { sub: filled("sub"), pub: filled("pub") };
    const activate = (first: "sub" | "pub"): Turn => ({
      name: first,
      measure: () => {
        const plan = { kind: "activate" as const, target: targetOf(side), ...cold(runs[first]), first };
        return measure(plan, side.processes(), context.timing);
      },
    });
    const hop = (name: "core" | "append"): Turn => ({
      name,
      measure: () => {
        const plan = { kind: "hop" as const, natsUrl: nats.natsUrl!, hop: name, perSecond: PER_SECOND };
        return measure(plan, nats.processes(), context.timing);
      },
    });
    const turns: Turn[] = [
      activate("sub"),
      activate("pub"),
      {
        name: "uws",
        measure: () => {
          const sizes = { channel: "bench.echo", subscribers: 1, perSecond: PER_SECOND };
          const plan = { kind: "latency" as const, target: targetOf(uws), ...sizes };
          return measure(plan, uws.processes(), context.timing);
        },
      },
      hop("core"),
      {
        name: "read",
        measure: () => measure({ kind: "cold-read", ...cold(runs.sub) }, side.processes(), context.timing),
      },
      hop("append"),
    ];
    // Once each: every round adds as many channels to the log.
    const measured = await inTurns({ ...context, rounds: 1 }, turns, ({ latency }) =>
      latency === null
        ? "nothing was answered"
        : `p50 ${amount(latency.p50Ms)} ms, p99 ${amount(latency.p99Ms)} ms`,
    );
    const rows = turns.map(({ name }): Row => {
      const { latency, cpu } = measured.get(name)![0]!;
      const values = { "p50 ms": latency?.p50Ms ?? Number.NaN, "p99 ms": latency?.p99Ms ?? Number.NaN };
      return { side: name, what: WHAT[name] ?? side.what, values, cpuUs: perOperation(cpu, PER_SECOND) };
    });
    return {
      operation: "activation",
      rows,
      ratios: (["sub", "pub"] as const).flatMap((first) => ratiosOf(first, rows)),
    };
  },
};

function ratiosOf(first: keyof typeof HOPS, rows: readonly Row[]): Ratio[] {
  const p99 = (side: string) => rows.find((row) => row.side === side)!.values["p99 ms"]!;
  const hops = Object.entries(HOPS[first]);
  const sum = hops.reduce((total, [side, times]) => total + times * p99(side), 0);
  return [
    { name: `first ${first}: p99 ms`, value: p99(first), target: { is: "<=", value: 10 } },
    { name: `first ${first}: p99 / sum of its hops`, value: p99(first) / sum, target: null },
  ];
}
