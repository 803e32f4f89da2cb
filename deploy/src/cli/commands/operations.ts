import type { OperationBody, StartedBody } from "../../admin/schemas.js";
import { path } from "../api.js";
import { type Command, show } from "../command.js";
import { usageError } from "../errors.js";
import { followOperation, showEnd } from "../follow.js";
import { moment, span, table } from "../text.js";

export const operations: Command = {
  name: "ops",
  args: ["[operation]", "[retry]"],
  options: ["follow"],
  summary: "operations under way and past, or one of them; with retry, runs again what is parked",
  examples: ["plexus ops", "plexus ops drain-mwr5qfg7-cb85 --follow", "plexus ops drain-mwr5qfg7-cb85 retry"],
  run: async (context) => {
    const { api, given } = context;
    const [id, verb] = given.args;
    if (id !== undefined && verb !== undefined) {
      if (verb !== "retry") throw usageError(`what may follow an operation is retry, not ${verb}`);
      const { operation } = await api.post<StartedBody>(path`/v1/operations/${id}/retry`, {});
      return given.has("follow") ? followOperation(context, operation) : showEnd(context, operation);
    }
    if (id !== undefined) {
      const operation = await api.get<OperationBody>(path`/v1/operations/${id}`);
      return given.has("follow") ? followOperation(context, operation) : showEnd(context, operation);
    }
    if (given.has("follow")) throw usageError("--follow needs an operation", "See: plexus ops");
    const found = await api.get<{ operations: OperationBody[] }>("/v1/operations");
    return show(context, found, ({ operations }) => table(columns(context.terminal.now()), operations));
  },
};

function columns(now: number) {
  return [
    { title: "OPERATION", value: ({ id }: OperationBody) => id },
    { title: "KIND", value: ({ kind }: OperationBody) => kind },
    { title: "OF", value: ({ cell, gateway, tenant }: OperationBody) => cell ?? gateway ?? tenant ?? "" },
    { title: "STATE", value: ({ state }: OperationBody) => state },
    { title: "MOVED", value: ({ moved, total }: OperationBody) => `${moved}/${total}` },
    { title: "STARTED", value: ({ startedAt }: OperationBody) => moment(startedAt) },
    {
      title: "TOOK",
      value: ({ startedAt, finishedAt }: OperationBody) => span((finishedAt ?? now) - startedAt),
    },
  ];
}
