import { span } from "../model/format.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { State } from "./icons.js";
import { useNow } from "./use-now.js";

/** Says that the admin API is away, since when, and when it is asked again. */
export function Banner({ session }: { session: Session }) {
  const { link } = useStore(session.known);
  const isAway = link.state === "away";
  useNow(isAway);
  if (!isAway) return null;
  const now = performance.now();
  const since = link.heardAt === null ? "" : ` What you see is ${span(now - link.heardAt)} old.`;
  const next = Math.max(0, Math.ceil(((link.retryAt ?? now) - now) / 1_000));
  return (
    <div class="banner" data-testid="banner">
      <p role="alert">
        <State state="bad">The admin API is away: {link.problem}.</State>
      </p>
      <p>
        {since} Everything else goes on without it. Next try {next === 0 ? "now" : `in ${next} s`}.
      </p>
      <button type="button" onClick={() => session.lookNow()}>
        Try now
      </button>
    </div>
  );
}
