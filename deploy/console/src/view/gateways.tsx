import { useState } from "preact/hooks";
import type { Gateway } from "../api-types.js";
import { bytes, cores, count, millis, plural, rate, span } from "../model/format.js";
import { path } from "../session/api.js";
import type { Known, Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { Confirm, type Order } from "./dialog.js";
import { State } from "./icons.js";
import { focusUnderWay } from "./under-way.js";
import { useNow } from "./use-now.js";

const COLUMNS = [
  "Connections",
  "Channels",
  "Published/s",
  "Delivered/s",
  "Loop lag",
  "CPU",
  "Memory",
  "Up for",
];

export function Gateways({ session }: { session: Session }) {
  const known = useStore(session.known);
  const [order, setOrder] = useState<Order | null>(null);
  const now = useNow();
  const gateways = known.gateways?.gateways;
  const missing = known.gateways?.missing ?? [];
  return (
    <section class="panel" aria-labelledby="gateways-title">
      <h1 id="gateways-title">Gateways</h1>
      {missing.length > 0 && (
        <p class="problem" data-testid="missing">
          No answer from {missing.join(", ")}: what is connected there is not counted.
        </p>
      )}
      {gateways === undefined && <p class="empty">Asking …</p>}
      {gateways !== undefined && (
        <table class="cards" data-testid="gateways">
          <thead>
            <tr>
              <th scope="col">Gateway</th>
              <th scope="col">State</th>
              {COLUMNS.map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
              {session.mayOperate && (
                <th scope="col">
                  <span class="visually-hidden">Change</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {gateways.map((gateway) => (
              <Row
                key={gateway.instance}
                gateway={gateway}
                known={known}
                now={now}
                session={session}
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
  gateway: Gateway;
  known: Known;
  now: number;
  session: Session;
  onOrder(order: Order): void;
}

function Row({ gateway, known, now, session, onOrder }: RowProps) {
  const { id, instance, connections, channels, draining, startedAt } = gateway;
  const stats = known.stats?.gateways[id];
  const values = [
    count(connections),
    count(channels),
    rate(stats?.publishesPerS),
    rate(stats?.deliveriesPerS),
    millis(stats?.loopLagMs),
    cores(stats?.cpu),
    bytes(stats?.rssBytes),
    span(now - startedAt),
  ];
  const others = known.gateways?.gateways.some((other) => other.id !== id && !other.draining) ?? false;
  return (
    <tr data-testid={`gateway-${id}`} data-draining={draining}>
      <th scope="row" title={instance}>
        {id}
      </th>
      <td data-label="State">
        <State state={draining ? "draining" : "serving"} />
      </td>
      {values.map((value, i) => (
        <td key={COLUMNS[i]} data-label={COLUMNS[i]} class="number">
          {value}
        </td>
      ))}
      {session.mayOperate && (
        <td class="change">
          {!draining && others && (
            <button
              type="button"
              data-testid={`drain-${id}`}
              aria-label={`Drain ${id}`}
              onClick={() => onOrder(drainOf(gateway, session))}
            >
              Drain…
            </button>
          )}
          {!draining && !others && <span class="soft small">the last that accepts</span>}
        </td>
      )}
    </tr>
  );
}

function drainOf({ id, connections }: Gateway, session: Session): Order {
  return {
    title: `Drain gateway ${id}?`,
    explanation: (
      <p>
        Its {plural(connections, "connection")} are sent to the other gateways, a few at a time. It accepts no
        more, until its process is started again.
      </p>
    ),
    verb: "Drain",
    typed: id,
    isDangerous: true,
    run: async () => {
      await session.begin(path`/v1/gateways/${id}/drain`);
      focusUnderWay();
    },
  };
}
