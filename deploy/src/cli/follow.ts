import type { OperationBody } from "../admin/schemas.js";
import { type Api, path } from "./api.js";
import type { CommandContext, Terminal } from "./command.js";
import { CliError, EXIT } from "./errors.js";
import { bar, printable, span } from "./text.js";

/** An operation goes on without the admin API: so long it is waited for. */
const UNREACHABLE_FOR_MS = 60_000;
const RETRY_MS = 500;
/** Where no person looks on, a line this often is enough for a log. */
const LINE_INTERVAL_MS = 5_000;

/** Shows an operation's progress until it ends. Resolves to the exit code. */
export async function followOperation(context: CommandContext, started: OperationBody): Promise<number> {
  const { api, given, terminal } = context;
  const showProgress = given.has("json") ? () => undefined : progressLines(terminal);
  showProgress(started);
  let operation = started;
  // The first failure in a row, and not what was heard last: an operation without progress is silent, and none the worse.
  let awaySince: number | undefined;
  while (operation.state === "running") {
    try {
      for await (operation of progressOf(api, started.id, terminal.signal)) {
        awaySince = undefined;
        showProgress(operation);
        if (operation.state === "parked") break;
      }
    } catch (error) {
      const unreachable = error instanceof CliError && error.exitCode === EXIT.unreachable;
      const now = terminal.now();
      awaySince ??= now;
      if (!unreachable || now - awaySince > UNREACHABLE_FOR_MS) throw error;
    }
    if (terminal.signal.aborted) return leave(terminal, operation);
    if (operation.state === "running") await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return showEnd(context, operation);
}

async function* progressOf(api: Api, id: string, signal: AbortSignal): AsyncGenerator<OperationBody> {
  for await (const { event, data } of api.events(path`/v1/operations/${id}/events`, signal))
    if (event === "operation") yield JSON.parse(data) as OperationBody;
}

function progressLines(terminal: Terminal): (operation: OperationBody) => void {
  let nextLineAt = 0;
  return (operation) => {
    if (operation.state !== "running") return;
    const line = `${nameOf(operation)}  ${bar(operation.moved, operation.total)}`;
    if (terminal.isInteractive) return terminal.status(line);
    if (terminal.now() < nextLineAt) return;
    nextLineAt = terminal.now() + LINE_INTERVAL_MS;
    terminal.note(line);
  };
}

function leave(terminal: Terminal, { id }: OperationBody): number {
  terminal.status("");
  terminal.note(`It goes on. To see it again: plexus ops ${id} --follow`);
  return EXIT.interrupted;
}

/** The last line, or the whole of it as JSON. */
export function showEnd({ given, terminal }: CommandContext, operation: OperationBody): number {
  terminal.status("");
  terminal.out(given.has("json") ? JSON.stringify(operation) : endOf(operation));
  const ended =
    operation.state === "failed" || operation.state === "parked" || operation.state === "superseded";
  return ended ? EXIT.failed : EXIT.ok;
}

function endOf(operation: OperationBody): string {
  const { state, moved, total, startedAt, finishedAt, error } = operation;
  const name = nameOf(operation);
  const took = finishedAt === undefined ? "" : ` after ${span(finishedAt - startedAt)}`;
  if (state === "running") return `${name} is under way, ${moved} of ${total}: ${operation.id}`;
  if (state === "parked")
    return `${name} is parked, ${moved} of ${total}: ${printable(error ?? "no reason is known")}; mend that, then: plexus ops ${operation.id} retry`;
  if (state === "failed") return `${name} failed${took}: ${printable(error ?? "no reason is known")}`;
  if (state === "superseded")
    return `${name} was replaced by another change${took}, ${moved} of ${total}; see: plexus ops`;
  return `${name} is done${took}, ${moved} of ${total}`;
}

/** As in "drain eu-1". */
function nameOf({ kind, cell, gateway, tenant }: OperationBody): string {
  return printable(`${kind} ${cell ?? gateway ?? tenant ?? ""}`);
}
