import { useState } from "preact/hooks";
import type { Cell } from "../api-types.js";
import { type Change, changeOf, healthOf, mustWait, shareOfChannels } from "../model/cells.js";
import { cores, count, millis, plural, rate } from "../model/format.js";
import { path } from "../session/api.js";
import type { Known, Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { Confirm, type Order } from "./dialog.js";
import { State } from "./icons.js";
import { focusUnderWay } from "./under-way.js";

export function CellTable({ session, marked }: { session: Session; marked: string | null }) {
  const known = useStore(session.known);
  const [order, setOrder] = useState<Order | null>(null);
  const cells = known.cells?.cells;
  return (
    <section class="panel" aria-labelledby="cells-title">
      <h2 id="cells-title">Cells</h2>
      {cells === undefined ? (
        <p class="empty">Asking …</p>
      ) : (
        <table class="cards" data-testid="cells">
          <thead>
            <tr>
              <th scope="col">Cell</th>
              <th scope="col">State</th>
              <th scope="col">Health</th>
              <th scope="col" class="number">
                Channels
              </th>
              <th scope="col" class="number">
                Messages/s
              </th>
              <th scope="col" class="number">
                Mailbox p99
              </th>
              <th scope="col" class="number">
                CPU
              </th>
              <th scope="col" class="number">
                Workers
              </th>
              <th scope="col" class="number">
                Weight
              </th>
              {session.mayOperate && (
                <th scope="col">
                  <span class="visually-hidden">Change</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {cells.map((cell) => (
              <Row
                key={cell.id}
                cell={cell}
                known={known}
                session={session}
                marked={marked}
                onOrder={setOrder}
              />
            ))}
          </tbody>
        </table>
      )}
      {order !== null && <Confirm order={order} onClose={() => setOrder(null)} />}
    </section>
  );
}

interface RowProps {
  cell: Cell;
  known: Known;
  session: Session;
  marked: string | null;
  onOrder(order: Order): void;
}

function Row({ cell, known, session, marked, onOrder }: RowProps) {
  const { id, region, state, weight, workers, channels } = cell;
  const stats = known.stats?.cells[id];
  const health = healthOf(cell, known.stats, known.operations ?? []);
  const share = shareOfChannels(cell, known.cells?.cells ?? []);
  return (
    <tr data-testid={`cell-${id}`} data-state={state} data-marked={marked === id}>
      <th scope="row" id={`cell-${id}`} tabIndex={-1}>
        {id} {!id.startsWith(region) && <span class="soft">{region}</span>}
      </th>
      <td data-label="State">
        <State state={state} />
      </td>
      <td data-label="Health">
        <State state={health.level}>{health.text}</State>
      </td>
      <td data-label="Channels" class="number">
        <meter class="share" min={0} max={1} value={share} aria-hidden="true" /> {count(channels)}
      </td>
      <td data-label="Messages/s" class="number">
        {rate(cell.rate)}
      </td>
      <td data-label="Mailbox p99" class="number">
        {millis(stats?.mailboxMs.p99)}
      </td>
      <td data-label="CPU" class="number">
        {cores(stats?.cpu)}
      </td>
      <td data-label="Workers" class="number">
        {count(workers)}
      </td>
      <td data-label="Weight" class="number">
        {weight}
      </td>
      {session.mayOperate && (
        <td class="change">
          <ChangeButton cell={cell} known={known} session={session} onOrder={onOrder} />
        </td>
      )}
    </tr>
  );
}

function ChangeButton({ cell, known, session, onOrder }: Omit<RowProps, "marked">) {
  const change = changeOf(cell, known.cells?.cells ?? []);
  if (change === null)
    return <span class="soft small">{cell.state === "active" ? "the last active cell" : ""}</span>;
  const waits = mustWait(cell, change, known.operations ?? []);
  return (
    <button
      type="button"
      data-testid={`${change}-${cell.id}`}
      disabled={waits}
      title={waits ? "Another change is under way" : undefined}
      aria-label={`${change === "drain" ? "Drain" : "Activate"} ${cell.id}`}
      onClick={() => onOrder(orderOf(cell, change, session))}
    >
      {change === "drain" ? "Drain…" : "Activate…"}
    </button>
  );
}

function orderOf(cell: Cell, change: Change, session: Session): Order {
  const { id, channels, state } = cell;
  const run = async () => {
    await session.begin(path`/v1/cells/${id}/` + change);
    focusUnderWay();
  };
  if (change === "drain")
    return {
      title: `Drain ${id}?`,
      explanation: (
        <p>
          All of its {plural(channels, "channel")} move to the other active cells while clients stay
          connected. It holds none afterwards, until it is activated again.
        </p>
      ),
      verb: "Drain",
      typed: id,
      isDangerous: true,
      run,
    };
  const turnsAround = state === "draining" && "The drain that is under way is turned around. ";
  return {
    title: `Activate ${id}?`,
    explanation: (
      <p>
        {turnsAround}It takes its share of the channels from the other cells, while clients stay connected.
      </p>
    ),
    verb: "Activate",
    run,
  };
}
