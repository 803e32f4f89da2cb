/** Every request is answered within a bound, whatever it depends on: an operator in trouble must not have to guess. */
import { PlexusError } from "@plexus/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { AdminServer } from "./context.js";

/** Longer than a command may take with all of its tries (10 s), so that what is known of it is said. */
export const ANSWER_WITHIN_MS = 15_000;

/** For all routes that are added from now on. A stream of events has begun to answer, and may go on. */
export function boundAnswers(server: AdminServer, withinMs = ANSWER_WITHIN_MS): void {
  server.addHook("onRoute", (route) => {
    const handler = route.handler as (request: FastifyRequest, reply: FastifyReply) => unknown;
    route.handler = (request, reply) => begunWithin(withinMs, reply, async () => handler(request, reply));
  });
}

function begunWithin(
  withinMs: number,
  reply: Pick<FastifyReply, "sent">,
  answer: () => Promise<unknown>,
): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new PlexusError("timeout", "what is needed for this did not answer", { retry: 1_000 });
      if (!reply.sent) reject(error);
    }, withinMs);
  });
  return Promise.race([answer(), late]).finally(() => clearTimeout(timer));
}
