/** From a NATS message of commands to the actors. */
import { channelKey } from "@plexus/protocol";
import { decodeCommands, type Msg, partitionOf, type WireCommand, type WireError } from "@plexus/runtime";
import type { Actors } from "./actors.js";
import type { Asker } from "./asker.js";
import type { Outbox } from "./outbox.js";
import { refusalOf, type WorkLimits } from "./work-gate.js";

const NOT_OWNED: WireError = ["moved", "another worker owns the partition", null];

export interface DispatchTarget {
  readonly actors: Pick<Actors, "handle">;
  readonly outbox: Pick<Outbox, "answer">;
  readonly tenants: WorkLimits;
}

/**
 * @param owns of a message that was sent to this worker rather than to a partition: whether a partition is its own. Whoever
 * sent it went by an answer of a moment ago.
 */
export function dispatch(
  message: Pick<Msg, "data" | "reply">,
  { actors, outbox, tenants }: DispatchTarget,
  owns: ((partition: number) => boolean) | null,
): void {
  const reply = message.reply;
  if (reply === undefined) return;
  const now = performance.now();
  for (const command of decodeCommands(message.data)) {
    const asker = askerOf(command, reply, now);
    const [, , tenant, channel] = command;
    const isOwned = owns === null || owns(partitionOf(channelKey(tenant, channel)));
    const refusal = isOwned ? refusalOf(command, tenants, now) : NOT_OWNED;
    if (refusal === null) actors.handle(command, asker);
    else outbox.answer(asker, refusal, null);
  }
}

function askerOf({ 0: correlation, 5: traces }: WireCommand, reply: string, at: number): Asker {
  return traces === undefined ? { reply, correlation, at } : { reply, correlation, at, traces };
}
