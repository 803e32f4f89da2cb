/** A plan for a person. */
import { facts, table } from "../cli/text.js";
import type { Plan, RegionPlan } from "./plan.js";
import type { Total } from "./plan-totals.js";
import { shown } from "./quantities.js";

const SHOWN: ReadonlyArray<readonly [Total, string, string]> = [
  ["connections", "connections", ""],
  ["publishes", "publishes/s at the peak", ""],
  ["deliveries", "deliveries/s at the peak", ""],
  ["channels", "channels", ""],
  ["cells", "cells", ""],
  ["workers", "workers", ""],
  ["gateways", "gateways", ""],
  ["natsServers", "NATS servers of cells", ""],
  ["natsCoresAsked", "cores for these", ""],
  ["redisServers", "Redis servers", ""],
  ["gatewayMemory", "memory of gateways", " GiB"],
  ["workerMemory", "memory of workers", " GiB"],
  ["natsMemory", "memory of cells' NATS", " GiB"],
  ["redisMemory", "memory of Redis", " GiB"],
  ["hubServers", "NATS servers of the hub", ""],
  ["hubCoresAsked", "cores for these", ""],
  ["hubMemory", "memory of these", " GiB"],
  ["controlProcesses", "admin API, events and webhooks", ""],
  ["controlMemory", "memory of these", " GiB"],
  ["storage", "logs on disk", " GB"],
  ["egressPeak", "to clients at the peak", " Mbit/s"],
  ["egressMonth", "to clients in a month", " GB"],
];

export function planLines(plan: Plan, explain: boolean): string[] {
  const { inputs, bill, beyond } = plan;
  const lines = [
    `${shown(inputs.users)} users, processes at ${Math.round(inputs.headroom * 100)} % at the peak, one gateway a region and one worker a cell to spare`,
    "",
    ...totalsTable(plan),
  ];
  if (bill !== null)
    lines.push(
      "",
      `price: ${shown(bill.total)} ${bill.currency} a month`,
      ...facts(
        bill.lines.map(({ what, amount, how }) => [`  ${what}`, `${shown(amount)}  (${how})`] as const),
      ),
    );
  if (explain) lines.push("", ...explanation(plan));
  lines.push("", "What this rests on:", ...beyond.map((text) => `- ${text}`));
  if (!explain) lines.push("- The arithmetic, and which figures were measured or assumed: --explain");
  return lines;
}

function totalsTable({ regions, totals }: Plan): string[] {
  const columns = [
    { title: "", value: ([, name]: (typeof SHOWN)[number]) => name },
    ...(regions.length > 1
      ? regions.map((region) => ({ title: region.region.toUpperCase(), value: inRegion(region) }))
      : []),
    { title: "ALL", value: ([id, , unit]: (typeof SHOWN)[number]) => `${shown(totals[id])}${unit}` },
  ];
  return table(columns, SHOWN);
}

function inRegion({ quantities }: RegionPlan): (row: (typeof SHOWN)[number]) => string {
  const values = new Map(quantities.map(({ id, value }) => [id, value]));
  return ([id, , unit]) => (values.has(id) ? `${shown(values.get(id)!)}${unit}` : "");
}

function explanation({ regions, hub, rests }: Plan): string[] {
  const parts = [
    ...regions.map(({ region, quantities }) => ({ title: `region ${region}`, quantities })),
    { title: "what there is once", quantities: hub },
  ];
  const lines = parts.flatMap(({ title, quantities }) => [
    `How ${title} comes about:`,
    ...quantities.map(
      ({ what, value, unit, how }) => `  ${what}: ${shown(value)}${unit === "" ? "" : ` ${unit}`}  =  ${how}`,
    ),
    "",
  ]);
  const figures = rests.map(({ cost, value, from }) => [`  ${cost}`, `${value}  ${from}`] as const);
  return [...lines, "Figures that went into it:", ...facts(figures)];
}
