/** From whatever is thrown while a request is answered to an answer from the catalogue. */
import { ERRORS, type ErrorCode, PlexusError } from "@plexus/protocol";
import type { FastifyError, FastifySchemaValidationError } from "fastify";

/** What the bus's client throws when it, or what is kept in it, is away. */
const BUS_ERRORS = new Set([
  "TimeoutError",
  "NoRespondersError",
  "RequestError",
  "ConnectionError",
  "ClosedConnectionError",
  "DrainingConnectionError",
  "JetStreamNotEnabled",
  "JetStreamError",
  "JetStreamStatusError",
  "JetStreamApiError",
]);
const RETRY_MS = 1_000;

export interface ErrorAnswer {
  status: number;
  body: { error: { code: ErrorCode; message: string; retry?: number } };
}

/** The error of the catalogue that stands for what was thrown; undefined if it is a defect, which must be logged and says nothing to the outside. */
export function toPlexusError(error: unknown): PlexusError | undefined {
  if (error instanceof PlexusError) return error;
  const { name, code, statusCode, message } = error as Partial<FastifyError>;
  if (BUS_ERRORS.has(name ?? ""))
    return new PlexusError("unavailable", "the bus is away", { retry: RETRY_MS, cause: error });
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new PlexusError("too_large", "the body is too large");
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new PlexusError("bad_request", "the body must be JSON: send content-type: application/json");
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new PlexusError("bad_request", message ?? "malformed request");
  return undefined;
}

export function errorAnswer({ code, message, retry }: PlexusError): ErrorAnswer {
  return {
    status: ERRORS[code].status,
    body: { error: retry === undefined ? { code, message } : { code, message, retry } },
  };
}

/**
 * One sentence for what is wrong with a request. A schema's description says what is right, in words rather than as a
 * regular expression, so it is what is shown.
 */
export function schemaErrorFormatter(
  errors: (FastifySchemaValidationError & { parentSchema?: { description?: string } })[],
  where: string,
): Error {
  const [error] = errors;
  const name = error?.instancePath.slice(1).replaceAll("/", ".") || where;
  const right = error?.parentSchema?.description;
  const { additionalProperty } = error?.params ?? {};
  if (error?.keyword === "additionalProperties")
    return new Error(`${where}: there is no field "${String(additionalProperty).slice(0, 64)}"`);
  if (error?.keyword === "required") return new Error(`${error.params.missingProperty} is missing`);
  if (error?.keyword === "pattern" && right !== undefined) return new Error(`${name} must be ${right}`);
  return new Error(`${name} ${error?.message ?? "is not right"}`);
}
