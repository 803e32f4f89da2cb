/** The audit log: one line for every change that was asked for, whatever became of it. */
import type { ErrorCode } from "@plexus/protocol";
import type { Logger } from "@plexus/runtime";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Counter } from "prom-client";
import type { Role } from "./auth.js";
import type { AdminServer } from "./context.js";

export interface Audited {
  /** What it does, as in cell.drain. */
  readonly action: string;
  /** Fields of the body that say what it is done to; never what users wrote, and no secrets. */
  readonly fields?: readonly string[];
  /** Whether the names of the body's fields are shown: where their values may be secrets. */
  readonly names?: boolean;
}

/** Names that a line shows at most, and characters of each. */
const MAX_NAMES = 20;
const MAX_NAME_LENGTH = 64;

declare module "fastify" {
  interface FastifyContextConfig {
    audit?: Audited;
  }
  interface FastifyRequest {
    /** Name of the bearer token; null until it is known. */
    who: string | null;
    role: Role | null;
    errorCode: ErrorCode | null;
  }
}

const changes = new Counter({
  name: "plexus_admin_changes_total",
  help: "Changes asked for, by action and outcome",
  labelNames: ["action", "outcome"],
});

export function auditChanges(server: AdminServer, log: Logger): void {
  // Whatever else is logged: these lines are.
  const audit = log.child({ audit: true }, { level: "info" });
  // Before the answer is sent, since whoever asked may have gone without waiting for it.
  server.addHook("onSend", async (request, reply) => {
    const audited = request.routeOptions.config.audit;
    if (audited === undefined) return;
    const outcome = request.errorCode ?? "ok";
    changes.inc({ action: audited.action, outcome });
    audit.info(lineOf(audited, request, reply, outcome), "audit");
  });
}

function lineOf(
  { action, fields = [], names = false }: Audited,
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: string,
) {
  const body = (request.body ?? {}) as Record<string, unknown>;
  const given = fields.filter((field) => body[field] !== undefined).map((field) => [field, body[field]]);
  const target: Record<string, unknown> = { ...(request.params as object), ...Object.fromEntries(given) };
  if (names) target.fields = namesOf(body);
  const { who, role, ip } = request;
  return { who, role, from: ip, action, target, outcome, status: reply.statusCode };
}

function namesOf(body: object): string[] {
  return Object.keys(body)
    .slice(0, MAX_NAMES)
    .map((name) => name.slice(0, MAX_NAME_LENGTH));
}
