import type { AdviceBody, SignalBody } from "../../admin/advice/schemas.js";
import { numberOf } from "../../admin/advice/text.js";
import { type CommandContext, show } from "../command.js";
import { facts, span, table } from "../text.js";

const UNKNOWN = "-";

/** `plexus cells --advise`. */
export async function showAdvice(context: CommandContext): Promise<number> {
  return show(context, await context.api.get<AdviceBody>("/v1/advice"), lines);
}

function lines(advice: AdviceBody): string[] {
  const { reason, cooldownMs, historyMs, upMs, downMs, signals } = advice;
  const columns = [
    { title: "OF", value: ({ of }: SignalBody) => of },
    { title: "SIGNAL", value: ({ name }: SignalBody) => name },
    { title: "NOW", value: (signal: SignalBody) => shown(signal, signal.now) },
    { title: `LOWEST IN ${span(upMs)}`, value: (signal: SignalBody) => shown(signal, signal.lowest) },
    { title: "BUSY FROM", value: (signal: SignalBody) => shown(signal, signal.high) },
    { title: `HIGHEST IN ${span(downMs)}`, value: (signal: SignalBody) => shown(signal, signal.highest) },
    { title: "IDLE UP TO", value: (signal: SignalBody) => shown(signal, signal.low) },
    { title: "STATE", value: ({ state }: SignalBody) => state },
  ];
  return [
    ...facts([
      ["advice", headline(advice)],
      ["reason", reason],
      ["history", span(historyMs)],
      ["cooldown", cooldownMs === 0 ? "over" : span(cooldownMs)],
    ]),
    "",
    ...table(columns, signals),
  ];
}

function headline({ advice, region, cell, workers, gateways }: AdviceBody): string {
  const others = [
    ...(workers === undefined ? [] : [`${workers.count} workers for ${workers.cell}`]),
    ...(gateways === undefined ? [] : ["another gateway"]),
  ];
  const what = advice === "add" ? `add a cell in ${region}` : advice === "drain" ? `drain ${cell}` : "none";
  return others.length === 0 ? what : `${what}, but: ${others.join(", ")}`;
}

function shown({ name }: SignalBody, value: number | null): string {
  return value === null ? UNKNOWN : numberOf(name, value);
}
