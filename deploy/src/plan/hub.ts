/** What there is once for all regions: the NATS server that all meet on, the admin API, events and webhooks. Pure. */
import type { PlanInputs } from "./inputs.js";
import { cost, Ledger, shown } from "./quantities.js";

const US_PER_S = 1_000_000;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** One admin API; of events and webhooks one that works and one that would take over. */
const CONTROL_PROCESSES = 3;

export function planHub(inputs: PlanInputs, regions: readonly Ledger[]): Ledger {
  const ledger = new Ledger();
  servers(ledger, inputs, regions);
  control(ledger, inputs);
  return ledger;
}

function servers(ledger: Ledger, inputs: PlanInputs, regions: readonly Ledger[]): void {
  const { headroom, natsReplicas, bots, messagesPerBot } = inputs;
  const over = (value: (region: Ledger) => number) => regions.reduce((all, one) => all + value(one), 0);
  const count = ledger.put(
    "hubServers",
    "NATS servers of the hub",
    natsReplicas,
    "",
    `${natsReplicas}, as many as of each cell`,
  );
  // A command and its answer for each, and what it brings about once for each gateway that has somebody there.
  const crossings = (region: Ledger) =>
    (region.of("publishes") + region.of("presenceChanges")) * (2 + region.of("recordsPerPublish")) +
    2 * region.of("historyReads");
  const processes = over((region) => region.of("gateways") + region.of("workers")) + CONTROL_PROCESSES;
  const ofUsers = over(crossings);
  const ofControl = processes * processes * cost("controlPerS");
  const ofBots = bots * messagesPerBot;
  const cores = ledger.put(
    "hubCores",
    "CPU of the hub's NATS",
    ((ofUsers + ofControl + ofBots) * cost("recordNatsUs")) / US_PER_S,
    "cores",
    `(${shown(ofUsers)} commands, answers and records + ${shown(processes)} processes² × ${cost("controlPerS")} + ${shown(bots)} bots × ${shown(messagesPerBot)}) × ${cost("recordNatsUs")} µs`,
    ["recordNatsUs", "controlPerS"],
  );
  ledger.put(
    "hubCoresAsked",
    "cores for the hub's NATS",
    count * Math.max(1, Math.ceil(cores / headroom)),
    "",
    `${count} × ${shown(cores)} cores ÷ ${headroom}, whole ones; each carries all of it where the others are gone`,
  );
  ledger.put(
    "hubMemory",
    "memory of the hub's NATS",
    (count * (cost("natsBaseMiB") * MIB + (bots + processes) * cost("natsConnectionKiB") * 1_024)) / GIB,
    "GiB",
    `${count} × (${cost("natsBaseMiB")} MiB + (${shown(bots)} bots + ${shown(processes)} processes) × ${cost("natsConnectionKiB")} KiB)`,
    ["natsBaseMiB", "natsConnectionKiB"],
  );
}

function control(ledger: Ledger, { webhooksPerSecond }: PlanInputs): void {
  ledger.put(
    "hooksCores",
    "CPU of the process of events and webhooks",
    (webhooksPerSecond * cost("webhookUs")) / US_PER_S,
    "cores",
    `${shown(webhooksPerSecond)} events × ${cost("webhookUs")} µs; one process does all of it`,
    ["webhookUs"],
  );
  ledger.put(
    "controlProcesses",
    "admin API, events and webhooks",
    CONTROL_PROCESSES,
    "",
    "one, and two of which one is active",
  );
  ledger.put(
    "controlMemory",
    "memory of these",
    (CONTROL_PROCESSES * cost("controlBaseMiB") * MIB) / GIB,
    "GiB",
    `${CONTROL_PROCESSES} × ${cost("controlBaseMiB")} MiB`,
    ["controlBaseMiB"],
  );
}
