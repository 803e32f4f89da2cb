import type { Advice as Advised } from "../api-types.js";
import { adviceIn } from "../model/cells.js";
import { usePolled } from "../session/polled.js";
import type { Session } from "../session/session.js";
import { State } from "./icons.js";

/** What the API advises, while it advises anything: the operator decides. */
export function Advice({ session }: { session: Session }) {
  const { value } = usePolled<Advised>(session.api, "/v1/advice");
  const text = value === null ? undefined : adviceIn(value);
  if (value === null || text === undefined) return null;
  return (
    <p class="panel" data-testid="advice">
      <State state="watch">
        <strong>{text}</strong> <span class="soft">{value.reason}</span>
      </State>
    </p>
  );
}
