import { Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import { answers, eventAnswers, OperationBody, OperationsBody, StartedBody } from "./schemas.js";

const Id = Type.Object({
  id: Type.String({ pattern: "^[A-Za-z0-9_-]{1,100}$", description: "an operation's id" }),
});
const tags = ["operations"];

export function operationRoutes(server: AdminServer, { operations, streams, log }: AdminContext): void {
  server.get(
    "/v1/operations",
    {
      schema: {
        tags,
        summary: "The newest operations first",
        response: answers(200, OperationsBody),
      },
    },
    async () => ({ operations: await operations.list() }),
  );
  server.get(
    "/v1/operations/:id",
    {
      schema: { tags, summary: "How far an operation is", params: Id, response: answers(200, OperationBody) },
    },
    ({ params }) => operations.get(params.id),
  );
  server.post(
    "/v1/operations/:id/retry",
    {
      config: { audit: { action: "operation.retry" } },
      schema: {
        tags,
        summary: "Runs again what failed for too long and was parked",
        description:
          "Cells try for `PLEXUS_PARK_AFTER_MS` without any progress, then park their part of an operation and wait for this. Nothing is lost meanwhile: channels in use go on moving with the commands that reach them.",
        params: Id,
        response: answers(202, StartedBody),
      },
    },
    async ({ params }, reply) => reply.code(202).send({ operation: await operations.retry(params.id) }),
  );
  server.get(
    "/v1/operations/:id/events",
    {
      schema: {
        tags,
        summary: "The same as server-sent events, until it ends",
        description: "Each event is named `operation`; its data is the JSON of the operation.",
        params: Id,
        response: eventAnswers("events until the operation ends"),
      },
    },
    async ({ params }, reply) => {
      await operations.get(params.id);
      const stream = streams.open(reply);
      try {
        for await (const operation of operations.follow(params.id, stream.signal))
          stream.send("operation", JSON.stringify(operation));
      } catch (error) {
        log.warn({ err: error, operation: params.id }, "operation could not be followed");
      }
      stream.end();
    },
  );
}
