/** What the admin API gives of webhooks. Their settings are part of the tenant's document. */
import { LIFECYCLE_KINDS } from "@plexus/runtime";
import { Type } from "typebox";
import { list, named, TenantName, TimeMs } from "./schemas.js";

export const WebhookId = Type.String({
  pattern: "^[a-z0-9-]{1,40}$",
  description: "a webhook's id: a-z, 0-9 and -, 40 characters at most",
});
export const WebhookParams = Type.Object({ tenant: TenantName, webhook: WebhookId });
const LetterId = Type.Integer({ minimum: 1, description: "a dead letter's id" });

export const WebhooksBody = named(
  "Webhooks",
  Type.Object({
    webhooks: Type.Array(
      Type.Object({
        id: Type.String(),
        url: Type.String({ description: "without its query, which may hold a secret" }),
        events: Type.Array(list(LIFECYCLE_KINDS)),
        channels: Type.Optional(Type.Array(Type.String())),
        state: list(["new", "delivering", "failing"], {
          description: "new: no process that delivers webhooks has seen it yet",
        }),
        delivered: Type.Integer({ description: "events" }),
        waiting: Type.Integer({
          description: "entries of the streams that wait, wanted or not, when it was last looked",
        }),
        deadLetters: Type.Integer({ description: "that are kept" }),
        lastDeliveredAt: Type.Optional(TimeMs),
        failingSince: Type.Optional(TimeMs),
        lastError: Type.Optional(Type.String()),
      }),
    ),
  }),
);

export const DeadLettersBody = named(
  "DeadLetters",
  Type.Object({
    letters: Type.Array(
      Type.Object({
        id: LetterId,
        reason: Type.String({ description: "how the last try ended" }),
        attempts: Type.Integer(),
        firstAt: TimeMs,
        at: TimeMs,
        events: Type.Integer(),
        kinds: Type.Array(Type.String()),
      }),
    ),
    count: Type.Integer({ description: "all that there are" }),
  }),
);
export const LettersQuery = Type.Object(
  {
    after: Type.Optional(Type.Integer({ minimum: 0, description: "letters after this id" })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: "how many at most (100)" })),
  },
  { additionalProperties: false },
);

export const ReplayBody = Type.Object({ letter: Type.Optional(LetterId) }, { additionalProperties: false });
export const ReplayedBody = named(
  "Replayed",
  Type.Object({ letters: Type.Integer({ description: "that are delivered again from now on" }) }),
);

export const WEBHOOKS_NAMED = [WebhooksBody, DeadLettersBody, ReplayedBody];
