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
  ["natsServers", "NATS servers", ""],
  ["natsCoresAsked", "cores for NATS", ""],
  ["redisServers", "Redis servers", ""],
  ["gatewayMemory", "memory of gateways", " GiB"],
  ["workerMemory", "memory of workers", " GiB"],
  ["natsMemory", "memory of NATS", " GiB"],
  ["redisMemory", "memory of Redis", " GiB"],
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
  return ([id, , unit]) => `${shown(values.get(id)!)}${unit}`;
}

function explanation({ regions, rests }: Plan): string[] {
  const lines = regions.flatMap(({ region, quantities }) => [
    `How region ${region} comes about:`,
    ...quantities.map(
      ({ what, value, unit, how }) => `  ${what}: ${shown(value)}${unit === "" ? "" : ` ${unit}`}  =  ${how}`,
    ),
    "",
  ]);
  const figures = rests.map(({ cost, value, from }) => [`  ${cost}`, `${value}  ${from}`] as const);
  return [...lines, "Figures that went into it:", ...facts(figures)];
}
