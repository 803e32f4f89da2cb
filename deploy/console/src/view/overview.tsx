import { useState } from "preact/hooks";
import type { Session } from "../session/session.js";
import { CellMap } from "./cell-map.js";
import { CellTable } from "./cell-table.js";
import { Charts } from "./charts.js";

/** The installation at a glance: its figures, where its cells are, and how they are. */
export function Overview({ session }: { session: Session }) {
  const [marked, setMarked] = useState<string | null>(null);
  const mark = (cell: string) => {
    setMarked(cell);
    document.getElementById(`cell-${cell}`)?.focus();
  };
  return (
    <>
      <h1 class="visually-hidden">Overview</h1>
      <Charts session={session} />
      <div class="cells">
        <CellMap session={session} onMark={mark} />
        <CellTable session={session} marked={marked} />
      </div>
    </>
  );
}
