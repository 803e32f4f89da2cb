/** A load run's report for a person. */
import { facts, printable, table } from "../cli/text.js";
import { REMEDIES, type Signal } from "./bottleneck.js";
import type { Percentiles } from "./latencies.js";
import type { ByCode } from "./meter.js";
import type { LoadReport, StepReport } from "./run.js";

/** Parts beside the bottleneck, the nearest to their limits first. */
const SHOWN_OTHERS = 3;

export function reportLines(report: LoadReport): string[] {
  const { steps, stopped, workload } = report;
  const lines = [
    ...table(
      [
        { title: "STEP", value: (step: StepReport) => `×${step.factor}` },
        {
          title: "CONNECTIONS",
          value: (step) => `${step.connections}/${step.wanted.connections + step.wanted.sources}`,
        },
        {
          title: "PUBLISHES/S",
          value: (step) => `${round(step.publishesPerSecond)}/${round(step.wanted.publishesPerSecond)}`,
        },
        { title: "OK/S", value: (step) => round(step.acknowledgedPerSecond) },
        { title: "DELIVERIES/S", value: (step) => round(step.deliveriesPerSecond) },
        { title: "TO OK p50/p99/p999 ms", value: (step) => percentiles(step.ackMs) },
        { title: "TO DELIVERY p50/p99/p999 ms", value: (step) => percentiles(step.deliverMs) },
        { title: "GENERATOR", value: generator },
      ],
      steps,
    ),
    "",
    ...facts(
      steps.flatMap((step) => [
        [`×${step.factor} checked`, checked(step)] as const,
        ...byCode(`×${step.factor} errors`, step.errors),
        ...byCode(`×${step.factor} closes`, step.closes),
      ]),
    ),
    "",
    ...bottleneckLines(report),
  ];
  if (stopped !== null) lines.push(`stopped early: ${printable(stopped)}`);
  if (steps.length > 0 && !steps.some(({ statsKnown }) => statsKnown))
    lines.push(
      "of the servers nothing is known, so none of them can be the bottleneck: the admin API gave no figures (GET /v1/stats)",
    );
  return [`${printable(workload.name)}: ${ending(report)}`, "", ...lines];
}

function ending({ ok, stopped }: LoadReport): string {
  if (ok) return "done; every message came once, in order, to everybody";
  return stopped === null ? "messages did not come as they must, see lost and errors below" : "ended early";
}

function bottleneckLines({ bottleneck, steps }: LoadReport): string[] {
  if (bottleneck === null) return ["no step was measured"];
  const { reached, signal, step: at } = bottleneck;
  const step = steps[at];
  const others = (step?.signals ?? []).filter(({ part }) => part !== signal.part);
  const nearest = others.filter(({ part }, i) => others.findIndex((one) => one.part === part) === i);
  const where = `in step ×${step?.factor}`;
  return [
    ...(reached
      ? [
          `first bottleneck, ${where}: ${signal.part}: ${signal.says}`,
          `  what to do: ${REMEDIES[signal.part]}`,
        ]
      : [
          `no bottleneck was reached; the nearest ${where} is ${signal.part} at ${ofLimit(signal)}: ${signal.says}`,
        ]),
    ...nearest.slice(0, SHOWN_OTHERS).map((one) => `  then ${one.part} at ${ofLimit(one)}: ${one.says}`),
  ];
}

function ofLimit({ load }: Signal): string {
  return load >= 2 ? `${load.toFixed(1)} times its limit` : `${Math.round(load * 100)} % of its limit`;
}

function generator({ own: { cpu, loopLagMs, lateMs } }: StepReport): string {
  const lag = loopLagMs === null ? "-" : loopLagMs.p99Ms.toFixed(0);
  return `${cpu.toFixed(2)} cores, lag p99 ${lag} ms, late p99 ${lateMs === null ? "-" : lateMs.p99Ms.toFixed(0)} ms`;
}

function checked({ violations, unrecovered, due, joined, presenceEvents }: StepReport): string {
  const { lost, duplicated, misplaced } = violations;
  const more = [
    unrecovered > 0 ? `, ${unrecovered} not recovered` : "",
    joined > 0 ? `, ${joined} came and went` : "",
    presenceEvents > 0 ? `, ${presenceEvents} presence events` : "",
  ];
  return `${due} publishes due; lost ${lost}, duplicated ${duplicated}, misplaced ${misplaced}${more.join("")}`;
}

function byCode(name: string, counts: ByCode): Array<readonly [string, string]> {
  const entries = Object.entries(counts);
  return entries.length === 0 ? [] : [[name, entries.map(([code, count]) => `${code} ${count}`).join(", ")]];
}

function percentiles(of: Percentiles | null): string {
  if (of === null) return "-";
  return [of.p50Ms, of.p99Ms, of.p999Ms].map((ms) => ms.toFixed(ms < 10 ? 1 : 0)).join(" / ");
}

function round(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
}
