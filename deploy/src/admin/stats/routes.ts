import type { AdminContext, AdminServer } from "../context.js";
import { ErrorBody, ref } from "../schemas.js";
import { StatsBody } from "./schemas.js";

const EVENTS = "text/event-stream";

export function statsRoutes(server: AdminServer, { stats, streams }: AdminContext): void {
  server.get(
    "/v1/stats",
    {
      schema: {
        tags: ["stats"],
        summary: "What goes on at the moment: connections, messages, delays, processors",
        description: `Counted by gateways and workers over a second each. With \`Accept: ${EVENTS}\`, an event \`stats\` each second until the reader goes.`,
        response: {
          200: {
            description: "one sample, or one each second",
            content: {
              "application/json": { schema: ref(StatsBody) },
              [EVENTS]: { schema: { type: "string" } },
            },
          },
          "4xx": ref(ErrorBody),
          "5xx": ref(ErrorBody),
        },
      },
    },
    async (request, reply) => {
      if (request.headers.accept?.includes(EVENTS) !== true) return stats.sample();
      await stats.follow(streams.open(reply));
    },
  );
}
