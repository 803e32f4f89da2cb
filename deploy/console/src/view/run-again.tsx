import { useState } from "preact/hooks";
import type { Operation } from "../api-types.js";
import { messageOf, path } from "../session/api.js";
import type { Session } from "../session/session.js";

/** For what is parked: the cells try it again. Nothing that would have to be confirmed. */
export function RunAgain({ session, operation }: { session: Session; operation: Operation }) {
  const [problem, setProblem] = useState("");
  if (!session.mayOperate) return null;
  const run = async () => {
    try {
      await session.begin(path`/v1/operations/${operation.id}/retry`);
      setProblem("");
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <>
      <button type="button" data-testid="run-again" onClick={run}>
        Run again
      </button>
      {problem !== "" && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </>
  );
}
