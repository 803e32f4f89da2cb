import { useState } from "preact/hooks";
import type { Disconnected, User as UserAnswer } from "../api-types.js";
import { clock, count, plural } from "../model/format.js";
import { hashOf } from "../model/route.js";
import { path } from "../session/api.js";
import { usePolled } from "../session/polled.js";
import type { Session } from "../session/session.js";
import { type Order, useOrder } from "./dialog.js";
import { Awaited, Inspector, type InspectorProps } from "./inspector.js";
import { Table } from "./table.js";
import { useNow } from "./use-now.js";

/** Where a user is connected, and an end of that. */
export function User({ session, ...asked }: InspectorProps & { session: Session }) {
  return (
    <Inspector view="user" title="User" placeholder="alice" {...asked}>
      {(tenant, user) => (
        <Inspected key={`${tenant}/${user}`} session={session} tenant={tenant} user={user} />
      )}
    </Inspector>
  );
}

function Inspected({ session, tenant, user }: { session: Session; tenant: string; user: string }) {
  const base = path`/v1/tenants/${tenant}/users/${user}`;
  const { value, problem, again } = usePolled<UserAnswer>(session.api, base);
  const [dialog, order] = useOrder();
  const [said, setSaid] = useState("");
  const ask = (conn?: string) =>
    order(
      disconnectOf(user, conn, async () => {
        const body = conn === undefined ? {} : { conn };
        const { closed } = await session.api.post<Disconnected>(`${base}/disconnect`, body);
        setSaid(`${plural(closed, "connection")} closed.`);
        again();
      }),
    );
  if (value === null) return <Awaited problem={problem} />;
  return (
    <section class="panel" aria-labelledby="connections-title" data-stale={problem !== ""}>
      <h2 id="connections-title">
        Connections <span class="soft figure">{count(value.count)}</span>
      </h2>
      {problem !== "" && <p class="problem">{problem}</p>}
      {value.missing.length > 0 && <p class="problem">No answer from {value.missing.join(", ")}.</p>}
      {value.count === 0 && (
        <p class="empty" data-testid="not-connected">
          {user} is not connected.
        </p>
      )}
      {value.count > 0 && (
        <Connections answer={value} onDisconnect={session.mayOperate ? (conn) => ask(conn) : null} />
      )}
      {value.count > 0 && session.mayOperate && (
        <button type="button" data-testid="disconnect" onClick={() => ask()}>
          Disconnect all…
        </button>
      )}
      <p class="soft small" role="status" data-testid="disconnected">
        {said}
      </p>
      {dialog}
    </section>
  );
}

interface ConnectionsProps {
  answer: UserAnswer;
  /** Null where the token does not allow it. */
  onDisconnect: ((conn: string) => void) | null;
}

function Connections({ answer: { tenant, connections }, onDisconnect }: ConnectionsProps) {
  const now = useNow();
  return (
    <Table
      name="connections"
      rows={connections}
      keyOf={({ conn }) => conn}
      attributes={() => ({ "data-testid": "connection" })}
      head={() => ({ class: "figure" })}
      columns={[
        { title: "Connection", value: ({ conn }) => conn },
        { title: "Gateway", value: ({ gateway }) => gateway },
        { title: "Open since", kind: "figure", value: ({ openedAt }) => clock(openedAt, now) },
        { title: "Token until", kind: "figure", value: ({ expiresAt }) => clock(expiresAt, now) },
        {
          title: "Channels",
          kind: "remark",
          value: ({ channels }) =>
            channels.map((channel) => (
              <a key={channel} href={hashOf({ view: "channel", tenant, name: channel })}>
                {channel}
              </a>
            )),
        },
        onDisconnect === null
          ? undefined
          : {
              title: "Change",
              kind: "change",
              value: ({ conn }) => (
                <button type="button" aria-label={`Disconnect ${conn}`} onClick={() => onDisconnect(conn)}>
                  Disconnect…
                </button>
              ),
            },
      ]}
    />
  );
}

function disconnectOf(user: string, conn: string | undefined, run: () => Promise<void>): Order {
  return {
    title: conn === undefined ? `Disconnect ${user}?` : "Disconnect this connection?",
    explanation: (
      <p>
        {conn === undefined ? `All connections of ${user} are` : `${conn} of ${user} is`} closed, and an SDK
        does not come back by itself. The token stays good: to keep somebody out, revoke it.
      </p>
    ),
    verb: "Disconnect",
    isDangerous: true,
    run,
  };
}
