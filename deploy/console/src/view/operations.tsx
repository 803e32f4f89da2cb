import type { Operation } from "../api-types.js";
import { clock, span } from "../model/format.js";
import { progressOf, subjectOf, unitOf } from "../model/operations.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { State } from "./icons.js";
import { RunAgain } from "./run-again.js";
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
          <Table operations={parked} session={session} now={now} />
        </section>
      )}
      <section class="panel" aria-labelledby="operations-title">
        <h1 id="operations-title">Operations</h1>
        {shown === undefined && <p class="empty">Asking …</p>}
        {shown?.length === 0 && <p class="empty">Nothing was changed in the last 30 days.</p>}
        {shown !== undefined && shown.length > 0 && <Table operations={shown} session={session} now={now} />}
      </section>
    </>
  );
}

interface Props {
  operations: readonly Operation[];
  session: Session;
  now: number;
}

function Table({ operations, session, now }: Props) {
  return (
    <table class="cards">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">State</th>
          <th scope="col" class="number">
            Moved
          </th>
          <th scope="col">Began</th>
          <th scope="col" class="number">
            Took
          </th>
          <th scope="col">Remark</th>
        </tr>
      </thead>
      <tbody>
        {operations.map((operation) => (
          <Row key={operation.id} operation={operation} session={session} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ operation, session, now }: Omit<Props, "operations"> & { operation: Operation }) {
  const { id, kind, state, moved, total, startedAt, finishedAt, error } = operation;
  const isDone = state === "done";
  return (
    <tr data-testid="operation" data-operation={id} data-state={state}>
      <th scope="row" title={id}>
        {kind.replace("-", " ")} {subjectOf(operation)}
      </th>
      <td data-label="State">
        <State state={state} />
      </td>
      <td data-label="Moved" class="number">
        {isDone && moved === total ? unitOf(operation, moved) : progressOf(operation)}
      </td>
      <td data-label="Began" class="figure">
        {clock(startedAt, now)}
      </td>
      <td data-label="Took" class="number">
        {span((finishedAt ?? now) - startedAt)}
      </td>
      <td data-label="Remark" class="remark">
        {error}
        {state === "parked" && <RunAgain session={session} operation={operation} />}
      </td>
    </tr>
  );
}
