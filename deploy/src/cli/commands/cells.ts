import type { Static } from "typebox";
import type { CellsBody } from "../../admin/schemas.js";
import { type Command, show } from "../command.js";
import { bar, table } from "../text.js";

type Cells = Static<typeof CellsBody>;
type Cell = Cells["cells"][number];

export const cells: Command = {
  name: "cells",
  args: [],
  options: [],
  summary: "the cells, and how they are",
  run: async (context) => show(context, await context.api.get<Cells>("/v1/cells"), lines),
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
