import { useState } from "preact/hooks";
import type { Operation } from "../api-types.js";
import { span } from "../model/format.js";
import { isUnderWay, progressOf, shareDone, titleOf } from "../model/operations.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { CloseIcon, State } from "./icons.js";
import { RunAgain } from "./run-again.js";
import { useNow } from "./use-now.js";

/** More at once would hide the page that they stand above. */
const SHOWN = 3;
const PANEL = "under-way";

/** Operations under way, and the last one that ended while somebody looked on, until it is put away. */
export function UnderWay({ session }: { session: Session }) {
  const { operations, watched: ids } = useStore(session.known);
  const [putAway, setPutAway] = useState<readonly string[]>([]);
  const watched = (operations ?? []).filter(({ id }) => ids.includes(id) && !putAway.includes(id));
  const newestEnded = watched.find((operation) => !isUnderWay(operation));
  const shown = watched.filter((operation) => isUnderWay(operation) || operation === newestEnded);
  if (shown.length === 0) return null;
  return (
    <section class="under-way" id={PANEL} tabIndex={-1} aria-label="Under way" data-testid="under-way">
      {shown.slice(0, SHOWN).map((operation) => (
        <Progress
          key={operation.id}
          operation={operation}
          session={session}
          onPutAway={() => {
            setPutAway((ids) => [...ids, operation.id]);
            document.getElementById("main")?.focus();
          }}
        />
      ))}
    </section>
  );
}

/** Gives an order; after that its progress is what matters. */
export async function carryOut(session: Session, orderPath: string, body: object = {}): Promise<void> {
  await session.begin(orderPath, body);
  requestAnimationFrame(() => setTimeout(() => document.getElementById(PANEL)?.focus()));
}

interface Props {
  operation: Operation;
  session: Session;
  onPutAway(): void;
}

function Progress({ operation, session, onPutAway }: Props) {
  const isRunning = isUnderWay(operation);
  const now = useNow(isRunning);
  const { id, state, startedAt, finishedAt, error } = operation;
  const share = shareDone(operation);
  const title = titleOf(operation);
  return (
    <article data-testid="progress" data-operation={id} data-state={state}>
      <header>
        <h2>{title}</h2>
        <State state={state} />
        <span class="figure" data-testid="progress-text">
          {progressOf(operation)}
        </span>
        <span class="soft figure">{span((finishedAt ?? now) - startedAt)}</span>
        {state === "parked" && <RunAgain session={session} operation={operation} />}
        {!isRunning && (
          <button class="icon-button" type="button" aria-label={`Put away: ${title}`} onClick={onPutAway}>
            <CloseIcon />
          </button>
        )}
      </header>
      <progress aria-label={title} {...(share === null ? {} : { value: share })} data-state={state} />
      {error !== undefined && <p class="problem">{error}</p>}
    </article>
  );
}
