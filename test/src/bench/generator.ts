/** The load generator, a process of its own so that its CPU time can be told from the servers'. */
import { answerParent } from "../harness/child.js";
import { type ActivatePlan, activate, type ColdReadPlan, coldRead } from "./load/activate.js";
import { type CompressionPlan, compression } from "./load/compression.js";
import { type FanOutPlan, fanOut } from "./load/fanout.js";
import { type GrowthPlan, growth } from "./load/growth.js";
import { type HistoryPlan, history } from "./load/history.js";
import { type IdlePlan, idle } from "./load/idle.js";
import { type AppendPlan, append, type HopPlan, hop } from "./load/jetstream.js";
import { type LatencyPlan, latency } from "./load/latency.js";
import type { Load, Snapshot } from "./load/load.js";
import { type PresencePlan, presence } from "./load/presence.js";
import { type PublishPlan, publish } from "./load/publish.js";
import { type StormPlan, storm } from "./load/storm.js";

export type Plan =
  | FanOutPlan
  | PublishPlan
  | LatencyPlan
  | AppendPlan
  | HopPlan
  | IdlePlan
  | StormPlan
  | ActivatePlan
  | ColdReadPlan
  | PresencePlan
  | HistoryPlan
  | CompressionPlan
  | GrowthPlan;

let load: Load | undefined;

function begin(plan: Plan): Promise<Load> {
  switch (plan.kind) {
    case "fanout":
      return fanOut(plan);
    case "publish":
      return publish(plan);
    case "latency":
      return latency(plan);
    case "append":
      return append(plan);
    case "hop":
      return hop(plan);
    case "idle":
      return idle(plan);
    case "storm":
      return storm(plan);
    case "activate":
      return activate(plan);
    case "cold-read":
      return coldRead(plan);
    case "presence":
      return presence(plan);
    case "history":
      return history(plan);
    case "compression":
      return compression(plan);
    case "growth":
      return growth(plan);
  }
}

answerParent({
  /** Resolves once the load is on. */
  begin: async (plan: Plan): Promise<void> => {
    load = await begin(plan);
  },
  snapshot: (): Snapshot => {
    const { counts } = load!;
    return { ...counts, atMs: performance.now(), latency: load!.takeLatency?.() ?? null };
  },
  act: (what: unknown): Promise<Record<string, number>> => load!.act!(what),
  stop: async (): Promise<void> => {
    await load?.stop();
    load = undefined;
  },
});
