import type { ComponentChildren } from "preact";
import type { Channel as ChannelAnswer, Presence } from "../api-types.js";
import { clock, count } from "../model/format.js";
import { hashOf } from "../model/route.js";
import { path } from "../session/api.js";
import { useMessages } from "../session/channel-messages.js";
import { usePolled } from "../session/polled.js";
import type { Session } from "../session/session.js";
import { Awaited, Inspector, type InspectorProps } from "./inspector.js";
import { Publish } from "./publish.js";
import { useNow } from "./use-now.js";

/** More would be slow to draw, and nobody reads them; the count says how many there are. */
const SHOWN_MEMBERS = 200;
/** Characters of a message that are shown. */
const SHOWN_DATA = 2_000;

/** Where a channel lives, who is in it, and what is said there. */
export function Channel({ session, ...asked }: InspectorProps & { session: Session }) {
  return (
    <Inspector view="channel" title="Channel" placeholder="chat.lobby" {...asked}>
      {(tenant, channel) => (
        <Inspected key={`${tenant}/${channel}`} session={session} tenant={tenant} channel={channel} />
      )}
    </Inspector>
  );
}

interface InspectedProps {
  session: Session;
  tenant: string;
  channel: string;
}

function Inspected({ session, tenant, channel }: InspectedProps) {
  const base = path`/v1/tenants/${tenant}/channels/${channel}`;
  const { value, problem, again } = usePolled<ChannelAnswer>(session.api, base);
  if (value === null) return <Awaited problem={problem} />;
  return (
    <div class="inspected" data-stale={problem !== ""}>
      <section class="panel" aria-labelledby="home-title">
        <h2 id="home-title">Home</h2>
        <Facts channel={value} problem={problem} />
      </section>
      <Members session={session} tenant={tenant} base={base} count={value.members} />
      <Timeline session={session} tenant={tenant} channel={channel}>
        {session.mayOperate ? (
          <Publish session={session} base={base} onPublished={again} />
        ) : (
          <p class="soft small">To publish a test message, a token has to have the role operate.</p>
        )}
      </Timeline>
    </div>
  );
}

function Facts({ channel, problem }: { channel: ChannelAnswer; problem: string }) {
  const { cell, partition, worker, epoch, seq, members, subscribers, missing } = channel;
  const gateways = Object.entries(subscribers).map(([gateway, n]) => `${gateway} ${count(n)}`);
  const facts: Array<[string, string, string]> = [
    ["cell", "Home cell", cell ?? "no cell may serve it now"],
    ["partition", "Partition", String(partition)],
    ["worker", "Worker", worker ?? "none answers"],
    ["seq", "Newest message", seq === null ? "unknown" : seq === 0 ? "none yet" : `seq ${count(seq)}`],
    ["epoch", "Epoch", epoch ?? "unknown"],
    ["members", "Members", count(members)],
    ["subscribers", "Subscribers", gateways.join(", ") || "none"],
  ];
  const why = problem || channel.problem;
  return (
    <>
      <dl class="facts">
        {facts.map(([id, label, value]) => (
          <div key={id}>
            <dt>{label}</dt>
            <dd class="figure" data-testid={`fact-${id}`}>
              {value}
            </dd>
          </div>
        ))}
      </dl>
      {why !== undefined && (
        <p class="problem" role="status">
          {why}
        </p>
      )}
      {missing.length > 0 && <p class="problem">No answer from {missing.join(", ")}.</p>}
    </>
  );
}

function Members({
  session,
  tenant,
  base,
  count: total,
}: Pick<InspectedProps, "session" | "tenant"> & { base: string; count: number | null }) {
  const { value, problem } = usePolled<Presence>(session.api, `${base}/presence`);
  const now = useNow();
  const members = value?.members ?? [];
  return (
    <section class="panel" aria-labelledby="members-title">
      <h2 id="members-title">
        Members <span class="soft figure">{count(value?.count ?? total)}</span>
        {value?.stale === true && <span class="stale">stale</span>}
      </h2>
      {problem !== "" && <p class="problem">{problem}</p>}
      {value !== null && members.length === 0 && <p class="empty">Nobody is here.</p>}
      <ul class="members" data-testid="members">
        {members.slice(0, SHOWN_MEMBERS).map(({ conn, user, since }) => (
          <li key={conn} data-testid="member" data-user={user}>
            <a href={hashOf({ view: "user", tenant, name: user })}>{user}</a>
            <span class="soft small figure">
              {conn} · since {clock(since, now)}
            </span>
          </li>
        ))}
      </ul>
      {members.length > SHOWN_MEMBERS && (
        <p class="soft small">… and {count(members.length - SHOWN_MEMBERS)} more</p>
      )}
    </section>
  );
}

interface TimelineProps extends InspectedProps {
  children: ComponentChildren;
}

function Timeline({ session, tenant, channel, children }: TimelineProps) {
  const { messages, problem } = useMessages(session.api, tenant, channel);
  const now = Date.now();
  return (
    <section class="panel timeline" aria-labelledby="messages-title">
      <h2 id="messages-title">Newest messages</h2>
      {children}
      {problem !== "" && (
        <p class="problem" role="status">
          {problem}
        </p>
      )}
      {messages.length === 0 && problem === "" && <p class="empty">Nothing yet.</p>}
      <ol data-testid="messages">
        {messages.map(({ epoch, seq, user, ts, data }) => (
          <li key={`${epoch}/${seq}`} data-testid="message" data-seq={seq}>
            <span class="figure soft">{count(seq)}</span>
            <span class="author">{user}</span>
            <time class="figure soft">{clock(ts, now)}</time>
            <code>{textOf(data)}</code>
          </li>
        ))}
      </ol>
    </section>
  );
}

function textOf(data: unknown): string {
  const text = JSON.stringify(data);
  return text.length > SHOWN_DATA ? `${text.slice(0, SHOWN_DATA)} …` : text;
}
