/** A game day's report, as Markdown. */
import { moment, printable, span } from "../cli/text.js";
import type { GameDayReport, StepReport } from "./run.js";

export function markdownOf(report: GameDayReport): string[] {
  const { installation, startedAt, endedAt, steps, verdict, stopped, ok } = report;
  const { published, acknowledged, delivered, lost, duplicated, misplaced, unrecovered } = verdict;
  return [
    `# Game day at ${printable(installation)}`,
    "",
    `${moment(startedAt)}, ${span(endedAt - startedAt)}. ${ok ? "Everything was as expected." : "**Not everything was as expected.**"}`,
    ...(stopped === null ? [] : ["", `Stopped before its end: ${printable(stopped)}.`]),
    "",
    "| fault | befell | expected | longest pause | whole again after | reconnects, errors | as expected |",
    "|---|---|---|---|---|---|---|",
    ...steps.map(row),
    "",
    `The probe published ${published} messages, of which ${acknowledged} were acknowledged and ${delivered} delivered. ` +
      `Lost ${lost}, duplicated ${duplicated}, misplaced ${misplaced}; ${unrecovered} times a subscriber was told that it missed some.`,
  ];
}

function row({
  fault,
  doc,
  hypothesis,
  target,
  tookMs,
  longestPauseMs,
  reconnects,
  errors,
  held,
}: StepReport): string {
  const told = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
  const cells = [
    `${fault}: ${doc}`,
    target === null ? "nothing was there to befall" : printable(target),
    hypothesis,
    `${Math.round(longestPauseMs)} ms`,
    tookMs === null ? "–" : `${(tookMs / 1_000).toFixed(1)} s`,
    [`${reconnects}`, ...told].join(", "),
    target === null ? "–" : held ? "yes" : "**no**",
  ];
  return `| ${cells.join(" | ")} |`;
}
