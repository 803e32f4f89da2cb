/** What a bot's request is held against before anything is done: the same limits as a client's. */
import { type BotSubject, MAX_SIGNAL_BYTES, MAX_STATE_BYTES, PlexusError } from "@plexus/protocol";
import type { Settings } from "@plexus/runtime";
import type { BotRequest } from "./request.js";

/** Throws a {@link PlexusError} where the request may not be carried out. */
export function admit(settings: Settings, { tenant, channel }: BotSubject, request: BotRequest): void {
  const { admitted, quotas } = settings.tenant(tenant);
  if (!admitted) throw new PlexusError("forbidden", "the tenant may not use this installation");
  const { maxMessageBytes, presence } = settings.of(tenant, channel);
  switch (request.operation) {
    case "publish":
      return bounded(request.data, Math.min(maxMessageBytes, quotas.messageBytes ?? maxMessageBytes), "data");
    case "signal":
      return bounded(request.data, MAX_SIGNAL_BYTES, "a signal");
    case "join":
      if (!presence) throw new PlexusError("bad_request", "presence is switched off in this namespace");
      return bounded(request.state, MAX_STATE_BYTES, "a presence state");
  }
}

function bounded(value: unknown, maxBytes: number, what: string): void {
  if (Buffer.byteLength(JSON.stringify(value)) > maxBytes)
    throw new PlexusError("too_large", `${what} may be ${maxBytes} bytes of JSON here`);
}
