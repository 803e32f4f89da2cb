import type { Operation } from "../api-types.js";
import { clock, span } from "../model/format.js";
import { progressOf, subjectOf, unitOf } from "../model/operations.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { State } from "./icons.js";
import { RunAgain } from "./run-again.js";
import { Table } from "./table.js";
import { useNow } from "./use-now.js";

/** What was changed of late, newest first; what is parked waits for somebody to run it again. */
export function Operations({ session }: { session: Session }) {
  const { operations } = useStore(session.known);
  const now = useNow();
  const parked = operations?.filter(({ state }) => state === "parked") ?? [];
  const shown = operations?.filter(({ state }) => state !== "parked");
  return (
    <>
      {parked.length > 0 && (
        <section class="panel" aria-labelledby="parked-title" data-testid="parked">
          <h2 id="parked-title">Parked</h2>
          <p class="lead">
            Failed for too long without any progress. Nothing is lost: mend the cause, then run it again.
          </p>
          <List operations={parked} session={session} now={now} />
        </section>
      )}
      <section class="panel" aria-labelledby="operations-title">
        <h1 id="operations-title">Operations</h1>
        {shown === undefined && <p class="empty">Asking …</p>}
        {shown?.length === 0 && <p class="empty">Nothing was changed in the last 30 days.</p>}
        {shown !== undefined && shown.length > 0 && <List operations={shown} session={session} now={now} />}
      </section>
    </>
  );
}

interface ListProps {
  operations: readonly Operation[];
  session: Session;
  now: number;
}

function List({ operations, session, now }: ListProps) {
  return (
    <Table
      rows={operations}
      keyOf={({ id }) => id}
      attributes={({ id, state }) => ({
        "data-testid": "operation",
        "data-operation": id,
        "data-state": state,
      })}
      head={({ id }) => ({ title: id })}
      columns={[
        { title: "What", value: (one) => `${one.kind.replace("-", " ")} ${subjectOf(one)}` },
        { title: "State", value: ({ state }) => <State state={state} /> },
        { title: "Moved", kind: "number", value: movedOf },
        { title: "Began", kind: "figure", value: ({ startedAt }) => clock(startedAt, now) },
        {
          title: "Took",
          kind: "number",
          value: ({ startedAt, finishedAt }) => span((finishedAt ?? now) - startedAt),
        },
        {
          title: "Remark",
          kind: "remark",
          value: (one) => (
            <>
              {one.error}
              {one.state === "parked" && <RunAgain session={session} operation={one} />}
            </>
          ),
        },
      ]}
    />
  );
}

function movedOf(operation: Operation): string {
  const { state, moved, total } = operation;
  return state === "done" && moved === total ? unitOf(operation, moved) : progressOf(operation);
}
