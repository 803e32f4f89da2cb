import { Type } from "typebox";
import type { AdminContext, AdminServer } from "./context.js";
import { viewOf } from "./operations.js";
import { answers, CellName, CellsBody, StartedBody, WeightBody } from "./schemas.js";
import { askWorkers, loadOf } from "./workers.js";

const tags = ["cells"];
const params = Type.Object({ id: CellName });
const response = answers(202, StartedBody);

export function cellRoutes(server: AdminServer, context: AdminContext): void {
  const { directory, operations } = context;
  server.get(
    "/v1/cells",
    { schema: { tags, summary: "The cells, and how they are", response: answers(200, CellsBody) } },
    async () => {
      const { version, cells, operation } = directory.current;
      const left = operation ? await operations.leftIn(operation) : new Map<string, number>();
      const shown = cells.map(async ({ id, region, state, weight }) => {
        const load = loadOf(await askWorkers(context, id));
        // What is to move is not at home there any more, but there.
        const channels = load.channels + (left.get(id) ?? 0);
        return { id, region, state, weight, ...load, channels };
      });
      return {
        version,
        cells: await Promise.all(shown),
        ...(operation ? { operation: await operations.get(operation) } : {}),
      };
    },
  );
  changeRoutes(server, context);
}

function changeRoutes(server: AdminServer, { cellChanges }: AdminContext): void {
  server.post(
    "/v1/cells/:id/drain",
    {
      config: { audit: { action: "cell.drain" } },
      schema: {
        tags,
        summary: "Moves all channels of a cell to the others, while clients stay connected",
        description:
          "The same call again answers the same operation. 409 for the last active cell, and while another operation is under way.",
        params,
        response,
      },
    },
    async ({ params: { id } }, reply) =>
      reply.code(202).send({ operation: viewOf(await cellChanges.drain(id)) }),
  );
  server.post(
    "/v1/cells/:id/activate",
    {
      config: { audit: { action: "cell.activate" } },
      schema: {
        tags,
        summary: "Gives a cell its share of the channels; turns a drain of it around",
        description: "The same call again answers the same operation.",
        params,
        response,
      },
    },
    async ({ params: { id } }, reply) =>
      reply.code(202).send({ operation: viewOf(await cellChanges.activate(id)) }),
  );
  server.post(
    "/v1/cells/:id/weight",
    {
      config: { audit: { action: "cell.weight", fields: ["weight"] } },
      schema: { tags, summary: "Changes a cell's share of the channels", params, body: WeightBody, response },
    },
    async ({ params: { id }, body: { weight } }, reply) =>
      reply.code(202).send({ operation: viewOf(await cellChanges.reweigh(id, weight)) }),
  );
  server.post(
    "/v1/cells/:id/down",
    {
      config: { audit: { action: "cell.down" } },
      schema: {
        tags,
        summary: "Gives up a cell that does not answer, without waiting for the grace period",
        description:
          "Its channels open elsewhere; where it can't be proven that nothing is missing, in a new epoch. To take a cell out that works, drain it.",
        params,
        response,
      },
    },
    async ({ params: { id } }, reply) =>
      reply.code(202).send({ operation: viewOf(await cellChanges.declareDown(id)) }),
  );
}
