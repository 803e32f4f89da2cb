import { useState } from "preact/hooks";
import type { Disconnected, User as UserAnswer } from "../api-types.js";
import { clock, count, plural } from "../model/format.js";
import { hashOf, type Route } from "../model/route.js";
import { path } from "../session/api.js";
import { usePolled } from "../session/polled.js";
import type { Session } from "../session/session.js";
import { Confirm, type Order } from "./dialog.js";
import { Finder } from "./finder.js";
import { useNow } from "./use-now.js";

interface Props {
  session: Session;
  route: Route;
  onShow(route: Route): void;
}

/** Where a user is connected, and an end of that. */
export function User({ session, route, onShow }: Props) {
  const { tenant, name } = route;
  return (
    <>
      <section class="panel" aria-labelledby="user-title">
        <h1 id="user-title">User</h1>
        <Finder view="user" route={route} placeholder="alice" onShow={onShow} />
      </section>
      {tenant !== undefined && name !== undefined && (
        <Inspected key={`${tenant}/${name}`} session={session} tenant={tenant} user={name} />
      )}
    </>
  );
}

function Inspected({ session, tenant, user }: { session: Session; tenant: string; user: string }) {
  const base = path`/v1/tenants/${tenant}/users/${user}`;
  const { value, problem, again } = usePolled<UserAnswer>(session.api, base);
  const [order, setOrder] = useState<Order | null>(null);
  const [said, setSaid] = useState("");
  const ask = (conn?: string) =>
    setOrder(
      disconnectOf(user, conn, async () => {
        const body = conn === undefined ? {} : { conn };
        const { closed } = await session.api.post<Disconnected>(`${base}/disconnect`, body);
        setSaid(`${plural(closed, "connection")} closed.`);
        again();
      }),
    );
  if (value === null)
    return (
      <p class="panel empty" role="status">
        {problem || "Asking …"}
      </p>
    );
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
      {order !== null && <Confirm order={order} onClose={() => setOrder(null)} />}
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
    <table class="cards" data-testid="connections">
      <thead>
        <tr>
          <th scope="col">Connection</th>
          <th scope="col">Gateway</th>
          <th scope="col">Open since</th>
          <th scope="col">Token until</th>
          <th scope="col">Channels</th>
          {onDisconnect !== null && (
            <th scope="col">
              <span class="visually-hidden">Change</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {connections.map(({ conn, gateway, openedAt, expiresAt, channels }) => (
          <tr key={conn} data-testid="connection">
            <th scope="row" class="figure">
              {conn}
            </th>
            <td data-label="Gateway">{gateway}</td>
            <td data-label="Open since" class="figure">
              {clock(openedAt, now)}
            </td>
            <td data-label="Token until" class="figure">
              {clock(expiresAt, now)}
            </td>
            <td data-label="Channels" class="remark">
              {channels.map((channel) => (
                <a key={channel} href={hashOf({ view: "channel", tenant, name: channel })}>
                  {channel}
                </a>
              ))}
            </td>
            {onDisconnect !== null && (
              <td class="change">
                <button type="button" aria-label={`Disconnect ${conn}`} onClick={() => onDisconnect(conn)}>
                  Disconnect…
                </button>
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
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
