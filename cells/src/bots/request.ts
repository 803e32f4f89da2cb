/** From a bot's request to something whose every field has been checked, as strictly as clients' frames are. */
import {
  type BotOperation,
  type ClientFrame,
  MAX_MESSAGE_ID_LENGTH,
  PlexusError,
  type Position,
  parseClientFrame,
} from "@plexus/protocol";

export type BotRequest =
  | { operation: "publish"; data: unknown; mid?: string }
  | { operation: "history"; before?: number; after?: number; limit?: number }
  | { operation: "presence"; after?: string }
  | { operation: "join"; state: unknown }
  | { operation: "leave" }
  | { operation: "signal"; data: unknown }
  | { operation: "position"; store?: Position };

/** A client's frame may be as large. */
export const MAX_REQUEST_BYTES = 256 * 1024;

/** Reads the body, which may be missing where nothing has to be said. Throws `bad_request` or `too_large`. */
export function parseBotRequest(operation: BotOperation, channel: string, body: Uint8Array): BotRequest {
  if (body.length > MAX_REQUEST_BYTES)
    throw new PlexusError("too_large", `a request may have ${MAX_REQUEST_BYTES} bytes`);
  const fields = read(body);
  const as = <O extends ClientFrame["op"]>(op: O, given: object = fields) =>
    parseClientFrame({ ...given, op, id: 1, ch: channel }) as Extract<ClientFrame, { op: O }>;
  switch (operation) {
    case "publish": {
      const { data, mid } = as("pub");
      return { operation, data, ...(mid === undefined ? {} : { mid }) };
    }
    case "history": {
      const { op: _, id: __, ch: ___, ...range } = as("history");
      return { operation, ...range };
    }
    case "signal":
      return { operation, data: as("signal").data };
    case "join":
      return { operation, state: as("state", { data: fields.state ?? null }).data };
    case "presence":
      return { operation, ...afterOf(fields) };
    case "position":
      if (fields.epoch === undefined && fields.seq === undefined) return { operation };
      return { operation, store: as("sub", { since: fields }).since! };
    case "leave":
      return { operation };
  }
}

function read(body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch (cause) {
    throw new PlexusError("bad_request", "the body must be JSON in UTF-8", { cause });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new PlexusError("bad_request", "the body must be an object");
  return value as Record<string, unknown>;
}

function afterOf({ after }: Record<string, unknown>): { after?: string } {
  if (after === undefined) return {};
  if (typeof after !== "string" || after.length === 0 || after.length > MAX_MESSAGE_ID_LENGTH)
    throw new PlexusError("bad_request", "after must be the conn of a member");
  return { after };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
