/** From what users do to what it takes: regions, their sums, a price, and what all of that rests on. Pure. */
import { COSTS, type CostName, isMeasured } from "./costs.js";
import { planHub } from "./hub.js";
import type { PlanInputs } from "./inputs.js";
import { OF_HUB, SUMMED, type Total } from "./plan-totals.js";
import { type Bill, billFor, type Prices } from "./prices.js";
import type { Quantity } from "./quantities.js";
import { planRegion } from "./region.js";

export interface RegionPlan {
  readonly region: string;
  readonly quantities: readonly Quantity[];
}

export interface Plan {
  readonly inputs: PlanInputs;
  readonly regions: readonly RegionPlan[];
  /** What there is once for all of them. */
  readonly hub: readonly Quantity[];
  readonly totals: Readonly<Record<Total, number>>;
  /** null where no unit costs were given. */
  readonly bill: Bill | null;
  /** Every figure that went into it, and where it is from. */
  readonly rests: ReadonlyArray<{ readonly cost: CostName; readonly value: number; readonly from: string }>;
  /** How far it goes beyond what was measured. */
  readonly beyond: readonly string[];
}

/** The machine that the costs were measured on. */
const MEASURED_CORES = 2;
const MEASURED_CONNECTIONS = 10_000;
const MEASURED_CHANNELS = 200_000;

export function makePlan(inputs: PlanInputs, prices?: Prices): Plan {
  const ledgers = Object.entries(inputs.regions).map(([region, share]) => ({
    region,
    ledger: planRegion(inputs, share),
  }));
  const hub = planHub(
    inputs,
    ledgers.map(({ ledger }) => ledger),
  );
  const sum = (id: Total) => ledgers.reduce((total, { ledger }) => total + ledger.of(id), 0);
  const totals = Object.fromEntries([
    ...SUMMED.map((id) => [id, sum(id)]),
    ...OF_HUB.map((id) => [id, hub.of(id)]),
  ]) as Record<Total, number>;
  const regions = ledgers.map(({ region, ledger }) => ({ region, quantities: ledger.quantities }));
  const quantities = [...regions.flatMap((region) => region.quantities), ...hub.quantities];
  const used = new Set(quantities.flatMap(({ from }) => from));
  return {
    inputs,
    regions,
    hub: hub.quantities,
    totals,
    bill: prices === undefined ? null : billFor(totals, prices),
    rests: [...used].map((cost) => ({ cost, value: COSTS[cost].value, from: sourceOf(cost) })),
    beyond: beyondOf(inputs, totals),
  };
}

export function sourceOf(name: CostName): string {
  const cost = COSTS[name];
  return isMeasured(cost)
    ? `measured: ${cost.document}, "${cost.says}", ${cost.date}, ${cost.machine}`
    : `assumed: ${cost.because}`;
}

function beyondOf(inputs: PlanInputs, totals: Record<Total, number>): string[] {
  const { gatewayCores, workerCores, natsCores, redisCores, hubCores, hooksCores } = totals;
  const cores = gatewayCores + workerCores + natsCores + redisCores + hubCores + hooksCores;
  const times = (value: number, measured: number) => Math.round(value / measured).toLocaleString("en-US");
  return [
    `Costs were measured on one machine with ${MEASURED_CORES} virtual cores that also ran the load generator; this needs ${cores.toFixed(1)} cores` +
      (cores > MEASURED_CORES
        ? `, ${times(cores, MEASURED_CORES)} times as many: nobody has measured that.`
        : "."),
    "A publish costs what it does where processes are busy; with less to share an append it was up to 15 times as much, far from any limit.",
    "That CPU time grows with the number of operations, and that more processes carry more in proportion, is assumed.",
    ...(totals.connections > MEASURED_CONNECTIONS
      ? [`At most ${MEASURED_CONNECTIONS.toLocaleString("en-US")} connections were measured at once.`]
      : []),
    ...(totals.channels > MEASURED_CHANNELS
      ? [`At most ${MEASURED_CHANNELS.toLocaleString("en-US")} channels were measured in one log.`]
      : []),
    ...(inputs.natsReplicas > 1 ? ["Replicated logs were not measured at all."] : []),
    ...(Object.keys(inputs.regions).length > 1
      ? ["Traffic between regions is not in it: members of one channel are taken to be in its region."]
      : []),
    ...(hooksCores > inputs.headroom
      ? ["One process sends all webhooks, and so many are more than it can: nobody has tried."]
      : []),
    ...(inputs.bots > 0 || inputs.webhooksPerSecond > 0
      ? [
          "What a bot and a webhook cost was not measured; that of bots' own programs and of webhooks' receivers is not in it.",
        ]
      : []),
    "Some costs were measured while other work kept the machine busy (--explain says which): by themselves they are less.",
    "What proxies take, and history in the traffic of a month, are not in it.",
  ];
}
