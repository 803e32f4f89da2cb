// Node's own "spec" output, and in CI one thing more: a skipped test fails the run and is named. A test that can't
// run on the one machine that is set up for it is a test that nobody runs.

import { Readable } from "node:stream";
import { spec } from "node:test/reporters";

/** @param {AsyncIterable<{ type: string, data: any }>} events */
export default async function* report(events) {
  yield* Readable.from(judgeSkips(events)).pipe(new spec());
}

async function* judgeSkips(events) {
  const skipped = [];
  for await (const event of events) {
    const { type, data } = event;
    // A suite's own report repeats what its tests said; TODO tests are reported in the same way, and are not skips.
    if (type === "test:pass" && data.skip !== undefined) skipped.push(`${data.name} (${data.file ?? "?"})`);
    const summaryBegins =
      type === "test:diagnostic" && data.nesting === 0 && /^tests \d+$/.test(data.message);
    if (summaryBegins && process.env.CI && skipped.length > 0) {
      process.exitCode = 1;
      const message = `\nSkipped, which fails the run in CI:\n${skipped.map((name) => `  ${name}\n`).join("")}\n`;
      yield { type: "test:stdout", data: { ...data, message } };
    }
    yield event;
  }
}
