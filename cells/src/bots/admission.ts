/** What a bot's request is held against before anything is done: the same limits as a client's. */
import { type BotSubject, MAX_SIGNAL_BYTES, MAX_STATE_BYTES, PlexusError } from "@plexus/protocol";
import { assertJsonSize, type Settings, type TenantLimits } from "@plexus/runtime";
import type { BotRequest } from "./request.js";

/** Throws a {@link PlexusError} where the request may not be carried out; what may is counted. */
export function admit(
  { settings, tenants }: { settings: Settings; tenants: TenantLimits },
  { tenant, channel }: BotSubject,
  request: BotRequest,
  now: number,
): void {
  if (!settings.tenant(tenant).admitted)
    throw new PlexusError("forbidden", "the tenant may not use this installation");
  switch (request.operation) {
    case "publish":
      return tenants.admitPublish(tenant, channel, Buffer.byteLength(JSON.stringify(request.data)), now);
    case "signal":
      assertJsonSize(request.data, MAX_SIGNAL_BYTES, "a signal");
      return tenants.admitSignal(tenant, now);
    case "join":
      if (!settings.of(tenant, channel).presence)
        throw new PlexusError("bad_request", "presence is switched off in this namespace");
      return assertJsonSize(request.state, MAX_STATE_BYTES, "a presence state");
  }
}
