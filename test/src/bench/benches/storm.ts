import { Child } from "../../harness/child.js";
import type { Row } from "../report.js";
import { type Side, targetOf } from "../sides.js";
import { type Bench, type BenchContext, scaled } from "./bench.js";

const CONNECTIONS = 10_000;
const CHANNELS = 100;
const MISSED = 5;

/** All connections cut at once: how long until each is back and has what it missed. */
export const storm: Bench = {
  doc: "10,000 connections on 100 channels cut at once: until all are back, with the 5 messages that each missed",
  run: async (context) => {
    const rows: Row[] = [];
    for (const side of [await context.plexus(), await context.uws()]) {
      const values = await storms(context, side);
      context.say(`  ${side.name}: ${values["s until all are back"]!.toFixed(2)} s`);
      rows.push({ side: side.name, what: side.what, values, cpuUs: {} });
    }
    const [plexus, uws] = rows.map(({ values }) => values) as [
      Record<string, number>,
      Record<string, number>,
    ];
    const seconds = "s until all are back";
    return {
      operation: "connection",
      rows,
      ratios: [
        {
          name: "Plexus / raw uWebSockets",
          value: plexus[seconds]! / uws[seconds]!,
          target: { is: "<=", value: 3 },
        },
        {
          name: "questions to cells per channel",
          value: plexus["questions to cells"]! / scaled(CHANNELS, context.scale),
          target: null,
        },
      ],
    };
  },
};

async function storms({ scale, rounds }: BenchContext, side: Side): Promise<Record<string, number>> {
  const target = targetOf(side);
  const generator = new Child(new URL("../generator.js", import.meta.url));
  const seconds: number[] = [];
  let questions = 0;
  try {
    const run = crypto.randomUUID().slice(0, 8);
    const sizes = {
      connections: scaled(CONNECTIONS, scale),
      channels: scaled(CHANNELS, scale),
      missed: MISSED,
    };
    await generator.ask("begin", { kind: "storm", target, run, ...sizes });
    for (let round = 0; round < rounds; round++) {
      const before = await asked(side);
      seconds.push((await generator.ask<Record<string, number>>("act", null)).seconds!);
      questions = Math.max(questions, (await asked(side)) - before);
    }
    await generator.ask("stop", null);
  } finally {
    await generator.stop();
  }
  const middle = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)]!;
  return {
    "s until all are back": middle,
    ...(side.questions() === null ? {} : { "questions to cells": questions }),
  };
}

/** For the past and for where a channel stands. */
async function asked(side: Side): Promise<number> {
  const { read = 0, head = 0 } = (await side.questions()) ?? {};
  return read + head;
}
