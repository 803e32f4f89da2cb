import { Counter, Gauge } from "prom-client";
import type { CommandKind } from "./commands.js";
import { LabelledTally } from "./tally.js";

export const sent = new LabelledTally<CommandKind>({
  name: "plexus_router_commands_total",
  help: "Commands given to the router",
  label: "kind",
});
export const retried = new Counter({
  name: "plexus_router_retries_total",
  help: "Commands sent again",
  labelNames: ["reason"],
});
export const failed = new Counter({
  name: "plexus_router_failures_total",
  help: "Commands that failed",
  labelNames: ["code"],
});
export const outstanding = new Gauge({
  name: "plexus_router_outstanding",
  help: "Commands without an answer yet",
});
