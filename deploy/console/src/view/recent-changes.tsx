import { clock } from "../model/format.js";
import { progressOf, subjectOf } from "../model/operations.js";
import { hashOf } from "../model/route.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { State } from "./icons.js";

const SHOWN = 5;

/** The newest operations; the view of all of them says more. */
export function RecentChanges({ session }: { session: Session }) {
  const { operations } = useStore(session.known);
  const now = Date.now();
  return (
    <section class="panel recent" aria-labelledby="recent-title">
      <h2 id="recent-title">
        Recent changes
        <a class="more" href={hashOf({ view: "operations" })}>
          All of them
        </a>
      </h2>
      {operations?.length === 0 && <p class="empty">None yet.</p>}
      <ul class="rows">
        {operations?.slice(0, SHOWN).map((operation) => (
          <li key={operation.id}>
            <span>
              {operation.kind.replace("-", " ")} <strong>{subjectOf(operation)}</strong>
            </span>
            <span class="soft figure">{progressOf(operation)}</span>
            <State state={operation.state} />
            <time class="soft figure">{clock(operation.startedAt, now)}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}
