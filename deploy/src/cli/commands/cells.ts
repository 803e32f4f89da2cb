import type { Static } from "typebox";
import type { CellsBody } from "../../admin/schemas.js";
import { type Command, show } from "../command.js";
import { bar, table } from "../text.js";
import { showAdvice } from "./advice.js";

type Cells = Static<typeof CellsBody>;
type Cell = Cells["cells"][number];

export const cells: Command = {
  name: "cells",
  args: [],
  options: ["advise"],
  summary: "the cells, and how they are",
  examples: ["plexus cells", "plexus cells --advise"],
  more: [
    "--advise says whether to add or to drain one, and by which numbers; it changes nothing.",
    "What it goes by, and how to check it: docs/scaling.md.",
  ],
  run: async (context) =>
    context.given.has("advise")
      ? showAdvice(context)
      : show(context, await context.api.get<Cells>("/v1/cells"), lines),
};

function lines({ cells, operation }: Cells): string[] {
  const columns = [
    { title: "CELL", value: (cell: Cell) => cell.id },
    { title: "REGION", value: (cell: Cell) => cell.region },
    { title: "STATE", value: (cell: Cell) => cell.state },
    { title: "WEIGHT", value: (cell: Cell) => cell.weight },
    { title: "WORKERS", value: workersOf },
    { title: "CHANNELS", value: (cell: Cell) => cell.channels },
    { title: "MESSAGES/S", value: (cell: Cell) => cell.rate },
  ];
  const rows = [...table(columns, cells), ...cells.flatMap(silenceOf)];
  if (operation === undefined) return rows;
  const { id, moved, total } = operation;
  return [...rows, "", `under way: ${id}  ${bar(moved, total)}`];
}

function workersOf({ workers, missing }: Cell): string | number {
  return missing.length === 0 ? workers : `${workers} of ${workers + missing.length}`;
}

/** What the row does not count in. */
function silenceOf({ id, state, missing, complete }: Cell): string[] {
  if (missing.length > 0)
    return [`${id}: no answer in time from ${missing.join(", ")}; what it has and does is not counted in`];
  if (complete || state === "drained" || state === "down") return [];
  return [`${id}: no worker answers; whether any runs is not known`];
}
