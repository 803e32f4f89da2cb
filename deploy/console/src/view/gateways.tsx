import type { Gateway } from "../api-types.js";
import { bytes, cores, count, millis, plural, rate, span } from "../model/format.js";
import { path } from "../session/api.js";
import type { Known, Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { type Field, type Order, useOrder } from "./dialog.js";
import { State } from "./icons.js";
import { type Column, Table } from "./table.js";
import { carryOut } from "./under-way.js";
import { useNow } from "./use-now.js";

/** As the admin API has it. */
const MAX_PER_SECOND = 100_000;

export function Gateways({ session }: { session: Session }) {
  const known = useStore(session.known);
  const [dialog, order] = useOrder();
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
      {gateways?.length === 0 && <p class="empty">No gateway answers.</p>}
      {gateways !== undefined && gateways.length > 0 && (
        <Table
          name="gateways"
          rows={gateways}
          keyOf={({ instance }) => instance}
          attributes={({ id, draining }) => ({ "data-testid": `gateway-${id}`, "data-draining": draining })}
          head={({ instance }) => ({ title: instance })}
          columns={columnsOf(known, now, session, order)}
        />
      )}
      {dialog}
    </section>
  );
}

function columnsOf(
  { stats, gateways }: Known,
  now: number,
  session: Session,
  order: (order: Order) => void,
): Array<Column<Gateway>> {
  const of = ({ id }: Gateway) => stats?.gateways[id];
  const isLast = ({ id }: Gateway) => !gateways?.gateways.some((other) => other.id !== id && !other.draining);
  return [
    { title: "Gateway", value: ({ id }) => id },
    { title: "State", value: ({ draining }) => <State state={draining ? "draining" : "serving"} /> },
    { title: "Connections", kind: "number", value: ({ connections }) => count(connections) },
    { title: "Channels", kind: "number", value: ({ channels }) => count(channels) },
    { title: "Published/s", kind: "number", value: (one) => rate(of(one)?.publishesPerS) },
    { title: "Delivered/s", kind: "number", value: (one) => rate(of(one)?.deliveriesPerS) },
    { title: "Loop lag", kind: "number", value: (one) => millis(of(one)?.loopLagMs) },
    { title: "CPU", kind: "number", value: (one) => cores(of(one)?.cpu) },
    { title: "Memory", kind: "number", value: (one) => bytes(of(one)?.rssBytes) },
    { title: "Up for", kind: "number", value: ({ startedAt }) => span(now - startedAt) },
    session.mayOperate
      ? {
          title: "Change",
          kind: "change",
          value: (one) =>
            !one.draining && (
              <button
                type="button"
                data-testid={`drain-${one.id}`}
                aria-label={`Drain ${one.id}`}
                onClick={() => order(drainOf(one, isLast(one), session))}
              >
                Drain…
              </button>
            ),
        }
      : undefined,
  ];
}

const PACE: Field = {
  name: "perSecond",
  label: "Connections a second",
  type: "number",
  min: 1,
  max: MAX_PER_SECOND,
  step: 1,
  placeholder: "as the gateway is set",
};
const FORCE: Field = {
  name: "force",
  label: "Drain it although no other gateway accepts connections: nobody can connect then",
  type: "checkbox",
  required: true,
};

function drainOf({ id, connections }: Gateway, isLast: boolean, session: Session): Order {
  return {
    title: `Drain gateway ${id}?`,
    explanation: (
      <p>
        Its {plural(connections, "connection")} are sent to the other gateways, a few at a time. It accepts no
        more, until its process is started again.
      </p>
    ),
    fields: isLast ? [PACE, FORCE] : [PACE],
    verb: "Drain",
    typed: id,
    isDangerous: true,
    run: (given) => {
      const perSecond = given.get("perSecond");
      return carryOut(session, path`/v1/gateways/${id}/drain`, {
        ...(perSecond === "" ? {} : { perSecond: Number(perSecond) }),
        ...(given.has("force") ? { force: true } : {}),
      });
    },
  };
}
