import type { Operation } from "@plexus/runtime";
import { Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import { viewOf } from "./operations.js";
import { answers, CellName, CellsBody, StartedBody } from "./schemas.js";
import { askWorkers, loadOf } from "./workers.js";

/** Changes of which cells take part. The same change again answers the same operation. */
export interface CellOperations {
  /** Rejects with `not_found`, or with `conflict` and the reason. */
  drain(cell: string): Promise<Operation>;
  activate(cell: string): Promise<Operation>;
}

const tags = ["cells"];
const params = Type.Object({ id: CellName });

export function cellRoutes(server: AdminServer, context: AdminContext): void {
  const { nats, directory, operations, log } = context;
  server.get(
    "/v1/cells",
    { schema: { tags, summary: "The cells, and how they are", response: answers(200, CellsBody) } },
    async () => {
      const { version, cells, operation } = directory.current;
      const shown = cells.map(async ({ id, region, state, weight }) => {
        const load = loadOf(await askWorkers(nats, id, log));
        return { id, region, state, weight, ...load };
      });
      return {
        version,
        cells: await Promise.all(shown),
        ...(operation ? { operation: await operations.get(operation) } : {}),
      };
    },
  );
  if (context.cellOperations !== undefined) changeRoutes(server, context.cellOperations);
}

function changeRoutes(server: AdminServer, changes: CellOperations): void {
  server.post(
    "/v1/cells/:id/drain",
    {
      config: { audit: { action: "cell.drain" } },
      schema: {
        tags,
        summary: "Moves all channels of a cell to the others, while clients stay connected",
        params,
        response: answers(202, StartedBody),
      },
    },
    async ({ params }, reply) => {
      const operation = viewOf(await changes.drain(params.id));
      return reply.code(202).send({ operation });
    },
  );
  server.post(
    "/v1/cells/:id/activate",
    {
      config: { audit: { action: "cell.activate" } },
      schema: {
        tags,
        summary: "Gives a cell its share of the channels; turns a drain of it around",
        params,
        response: answers(202, StartedBody),
      },
    },
    async ({ params }, reply) => {
      const operation = viewOf(await changes.activate(params.id));
      return reply.code(202).send({ operation });
    },
  );
}
