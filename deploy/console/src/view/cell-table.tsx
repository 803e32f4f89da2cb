import type { Cell } from "../api-types.js";
import { changeOf, healthOf, mayBeGivenUp, mustWait, shareOfChannels, workersOf } from "../model/cells.js";
import { cores, count, millis, rate } from "../model/format.js";
import type { Known, Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { activationOf, drainOf, givingUpOf, weightOf } from "./cell-orders.js";
import { type Order, useOrder } from "./dialog.js";
import { State } from "./icons.js";
import { type Column, Table } from "./table.js";

const WAITS = "Another change is under way";

export function CellTable({ session, marked }: { session: Session; marked: string | null }) {
  const known = useStore(session.known);
  const [dialog, order] = useOrder();
  const asked = { known, session, order };
  return (
    <section class="panel" aria-labelledby="cells-title">
      <h2 id="cells-title">Cells</h2>
      {known.cells === null ? (
        <p class="empty">Asking …</p>
      ) : (
        <Table
          name="cells"
          rows={known.cells.cells}
          keyOf={({ id }) => id}
          attributes={({ id, state }) => ({
            "data-testid": `cell-${id}`,
            "data-state": state,
            "data-marked": marked === id,
          })}
          head={({ id }) => ({ id: `cell-${id}`, tabIndex: -1 })}
          columns={columnsOf(asked)}
        />
      )}
      {dialog}
    </section>
  );
}

interface Asked {
  known: Known;
  session: Session;
  order(order: Order): void;
}

function columnsOf(asked: Asked): Array<Column<Cell>> {
  const { known, session } = asked;
  const { stats, operations } = known;
  const cells = known.cells?.cells ?? [];
  return [
    {
      title: "Cell",
      value: ({ id, region }) => (
        <>
          {id} {!id.startsWith(region) && <span class="soft">{region}</span>}
        </>
      ),
    },
    { title: "State", value: ({ state }) => <State state={state} /> },
    {
      title: "Health",
      value: (cell) => {
        const { level, text } = healthOf(cell, stats, operations ?? []);
        return <State state={level}>{text}</State>;
      },
    },
    {
      title: "Channels",
      kind: "number",
      value: (cell) => (
        <>
          <meter class="share" min={0} max={1} value={shareOfChannels(cell, cells)} aria-hidden="true" />{" "}
          {count(cell.channels)}
        </>
      ),
    },
    { title: "Messages/s", kind: "number", value: (cell) => rate(cell.rate) },
    { title: "Mailbox p99", kind: "number", value: ({ id }) => millis(stats?.cells[id]?.mailboxMs.p99) },
    { title: "CPU", kind: "number", value: ({ id }) => cores(stats?.cells[id]?.cpu) },
    { title: "Workers", kind: "number", value: (cell) => <Workers cell={cell} /> },
    {
      title: "Weight",
      kind: "number",
      value: (cell) => (session.mayOperate ? <Weight cell={cell} {...asked} /> : cell.weight),
    },
    session.mayOperate
      ? { title: "Change", kind: "change", value: (cell) => <Changes cell={cell} {...asked} /> }
      : undefined,
  ];
}

function Workers({ cell }: { cell: Cell }) {
  const { missing } = cell;
  const title = missing.length === 0 ? undefined : `No answer in time from ${missing.join(", ")}`;
  return <span title={title}>{workersOf(cell)}</span>;
}

/** The number is the button: a column more would be too much. */
function Weight({ cell, known, session, order }: Asked & { cell: Cell }) {
  const waits = mustWait(cell, "weight", known.operations ?? []);
  return (
    <button
      type="button"
      class="inline"
      data-testid={`weight-${cell.id}`}
      disabled={waits}
      title={waits ? WAITS : "Change the weight"}
      aria-label={`Change the weight of ${cell.id}, which is ${cell.weight}`}
      onClick={() => order(weightOf(cell, session))}
    >
      {cell.weight}
    </button>
  );
}

function Changes({ cell, known, session, order }: Asked & { cell: Cell }) {
  const cells = known.cells?.cells ?? [];
  const change = changeOf(cell, cells);
  const waits = change !== null && mustWait(cell, change, known.operations ?? []);
  return (
    <>
      {mayBeGivenUp(cell, cells) && (
        <button
          type="button"
          class="quiet"
          data-testid={`down-${cell.id}`}
          aria-label={`Give up ${cell.id}`}
          onClick={() => order(givingUpOf(cell, session))}
        >
          Give up…
        </button>
      )}
      {change === null && cell.state === "active" && <span class="soft small">the last active cell</span>}
      {change !== null && (
        <button
          type="button"
          data-testid={`${change}-${cell.id}`}
          disabled={waits}
          title={waits ? WAITS : undefined}
          aria-label={`${change === "drain" ? "Drain" : "Activate"} ${cell.id}`}
          onClick={() => order(change === "drain" ? drainOf(cell, session) : activationOf(cell, session))}
        >
          {change === "drain" ? "Drain…" : "Activate…"}
        </button>
      )}
    </>
  );
}
