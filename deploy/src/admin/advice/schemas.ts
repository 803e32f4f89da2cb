import { type Static, Type } from "typebox";
import { list, named, ref, TimeMs } from "../schemas.js";
import { SIGNALS } from "./samples.js";

const value = (description: string) => Type.Union([Type.Number(), Type.Null()], { description });

const SignalBody = named(
  "Signal",
  Type.Object({
    of: Type.String({ description: "a region, for its workers together; or gateways" }),
    name: list(SIGNALS, {
      description:
        "cpu: processor cores a process, in the mean; fill: part of the channels or connections that it may hold; lagMs: how late its event loop is; mailboxMs, appendMs: p99 of what messages wait in a worker, and of appends",
    }),
    now: value("in the newest sample; null: nothing was measured"),
    lowest: value(
      "over the last `upMs`, one in twenty samples left out; null: not enough history, or not everybody was heard",
    ),
    highest: value("over the last `downMs`, likewise"),
    low: Type.Number({ description: "idle where `highest` is no more" }),
    high: Type.Number({ description: "busy where `lowest` is no less" }),
    state: list(["high", "low", "between", "unknown"]),
  }),
);
export type SignalBody = Static<typeof SignalBody>;

export const AdviceBody = named(
  "Advice",
  Type.Object({
    ts: TimeMs,
    advice: list(["add", "drain", "none"]),
    region: Type.Optional(Type.String({ description: "where to add a cell, or drain one" })),
    cell: Type.Optional(Type.String({ description: "the cell to drain" })),
    workers: Type.Optional(
      Type.Object(
        { cell: Type.String(), count: Type.Integer() },
        { description: "so many workers of this cell would be better than another cell" },
      ),
    ),
    gateways: Type.Optional(list(["add"], { description: "gateways are busy" })),
    reason: Type.String({ description: "with the numbers that it rests on" }),
    cooldownMs: Type.Number({ description: "until a change of the cells is advised again" }),
    historyMs: Type.Number({ description: "how far back samples reach, without a change or a gap" }),
    upMs: Type.Number({ description: "for so long a signal has to be high" }),
    downMs: Type.Number({ description: "for so long all signals of a region have to be low" }),
    signals: Type.Array(ref(SignalBody)),
  }),
);
export type AdviceBody = Static<typeof AdviceBody>;

export const ADVICE_NAMED = [SignalBody, AdviceBody];
