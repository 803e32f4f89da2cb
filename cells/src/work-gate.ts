import { PlexusError } from "@plexus/protocol";
import type { PublishBatch, TenantLimits, WireCommand, WireError } from "@plexus/runtime";
import { publishWork } from "@plexus/runtime";

export type WorkLimits = Pick<TenantLimits, "admitWork">;

/**
 * Why a command is not carried out now: it is a batch of publishes of a tenant that has more than its part of the work
 * of a worker that can't keep up. Nothing overtakes: whoever sent the batch fails all that waits behind it, too. And one
 * that was sent before without an answer is not said to be refused: its sender knows that it may be stored.
 */
export function refusalOf(command: WireCommand, tenants: WorkLimits, now: number): WireError | null {
  const [, kind, tenant, , body] = command;
  if (kind !== "publish") return null;
  try {
    tenants.admitWork(tenant, workOf(body), now);
    return null;
  } catch (error) {
    if (!(error instanceof PlexusError)) throw error;
    return [error.code, error.message, error.retry ?? null];
  }
}

function workOf([, lengths]: PublishBatch): number {
  let work = 0;
  for (const bytes of lengths) work += publishWork(bytes);
  return work;
}
