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
    { title: "WORKERS", value: (cell: Cell) => cell.workers },
    { title: "CHANNELS", value: (cell: Cell) => cell.channels },
    { title: "MESSAGES/S", value: (cell: Cell) => cell.rate },
  ];
  const rows = table(columns, cells);
  if (operation === undefined) return rows;
  const { id, moved, total } = operation;
  return [...rows, "", `under way: ${id}  ${bar(moved, total)}`];
}
