import { useState } from "preact/hooks";
import type { Session } from "../session/session.js";
import { Advice } from "./advice.js";
import { CellMap } from "./cell-map.js";
import { CellTable } from "./cell-table.js";
import { Charts } from "./charts.js";
import { GatewaySummary } from "./gateway-summary.js";
import { RecentChanges } from "./recent-changes.js";

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
      <Advice session={session} />
      <Charts session={session} />
      <div class="overview">
        <div>
          <CellMap session={session} onMark={mark} />
          <RecentChanges session={session} />
        </div>
        <div>
          <CellTable session={session} marked={marked} />
          <GatewaySummary session={session} />
        </div>
      </div>
    </>
  );
}
