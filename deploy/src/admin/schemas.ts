/** What the admin API takes and gives: JSON schemas, from which types, validation and OpenAPI come. */
import {
  ACTIONS,
  CHANNEL_REGEXP,
  ERRORS,
  MAX_CHANNEL_LENGTH,
  MAX_MESSAGE_ID_LENGTH,
  MAX_USER_LENGTH,
  TENANT_REGEXP,
} from "@plexus/protocol";
import { MAX_REVOCATION_MS, MAX_TOKEN_ID_LENGTH } from "@plexus/runtime";
import { type Static, type TSchema, Type } from "typebox";

/** A schema that OpenAPI shows under its own name; to be registered with the server. */
export function ref<S extends TSchema & { $id: string }>(schema: S) {
  return Type.Unsafe<Static<S>>(Type.Ref(`${schema.$id}#`));
}

export function named<S extends TSchema>($id: string, schema: S): S & { $id: string } {
  return Object.assign(schema, { $id });
}

export const list = <const V extends string>(values: readonly V[], options = {}) =>
  Type.Unsafe<V>(Type.String({ enum: [...values], ...options }));
export const closed = { additionalProperties: false };

export const TimeMs = Type.Number({ description: "milliseconds since 1970" });
export const TenantName = Type.String({
  pattern: TENANT_REGEXP.source,
  description: "a tenant's name: a-z, 0-9 and -, 32 characters at most",
});
export const ChannelName = Type.String({
  pattern: CHANNEL_REGEXP.source,
  maxLength: MAX_CHANNEL_LENGTH,
  description: "a channel's name, as in chat.lobby",
});
export const UserName = Type.String({ minLength: 1, maxLength: MAX_USER_LENGTH });
export const CellName = Type.String({
  pattern: "^[a-z0-9-]{1,40}$",
  description: "a cell's name, as in eu-1",
});
export const RegionName = Type.String({
  pattern: "^[a-z0-9-]{1,40}$",
  description: "a region's name, as in eu",
});
export const GatewayId = Type.String({
  pattern: "^[a-z0-9-]{1,40}$",
  description: "a gateway's name, as in g1",
});

export const ErrorBody = named(
  "Error",
  Type.Object({
    error: Type.Object({
      code: list(Object.keys(ERRORS)),
      message: Type.String(),
      retry: Type.Optional(
        Type.Number({ description: "milliseconds after which the same request may succeed" }),
      ),
    }),
  }),
);

export const OperationBody = named(
  "Operation",
  Type.Object({
    id: Type.String(),
    kind: Type.String({
      description: "what is done: drain, activate, join, weight, pin, down, return or gateway-drain",
    }),
    cell: Type.Optional(Type.String({ description: "the cell that is changed" })),
    gateway: Type.Optional(Type.String({ description: "the gateway that is drained" })),
    tenant: Type.Optional(Type.String({ description: "the tenant that is bound to a region" })),
    state: list(["running", "parked", "done", "failed", "superseded"]),
    moved: Type.Integer({ description: "channels, or a gateway's connections, that are elsewhere by now" }),
    total: Type.Integer({ description: "how many have to be" }),
    startedAt: TimeMs,
    finishedAt: Type.Optional(TimeMs),
    error: Type.Optional(Type.String()),
  }),
);
export type OperationBody = Static<typeof OperationBody>;

export const OperationsBody = named(
  "Operations",
  Type.Object({ operations: Type.Array(ref(OperationBody)) }),
);
export const StartedBody = named("Started", Type.Object({ operation: ref(OperationBody) }));
export type StartedBody = { operation: OperationBody };

export const CellsBody = named(
  "Cells",
  Type.Object({
    version: Type.Integer({ description: "version of the directory; grows with every change" }),
    cells: Type.Array(
      Type.Object({
        id: Type.String(),
        region: Type.String(),
        state: list(["joining", "active", "draining", "drained", "down"]),
        weight: Type.Number({ description: "share of the channels relative to the other cells" }),
        workers: Type.Integer({ description: "workers that answered in time" }),
        missing: Type.Array(Type.String(), {
          description:
            "workers that are known of late but did not answer in time: what they do is not counted in",
        }),
        complete: Type.Boolean({
          description:
            "whether all that are known answered; false also where none did: then `workers`, `channels` and `rate` are at least so many",
        }),
        channels: Type.Integer({ description: "channels that the cell holds" }),
        rate: Type.Number({ description: "messages stored per second, over the last seconds" }),
      }),
    ),
    operation: Type.Optional(ref(OperationBody)),
  }),
);

export const WeightBody = Type.Object(
  {
    weight: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1_000,
      description: "share of the channels relative to the other cells",
    }),
  },
  closed,
);

const Pin = Type.Object({
  region: RegionName,
  failover: Type.Boolean({ description: "whether another region serves while this one has no active cell" }),
});
export const PinBody = Type.Object(
  { region: RegionName, failover: Type.Optional(Pin.properties.failover) },
  closed,
);
export const QuotasBody = Type.Record(Type.String(), Type.Integer(), {
  description: "what it may use, by the name of the quota: its own, or else the installation's",
});
export const TenantBody = named(
  "Tenant",
  Type.Object({
    tenant: Type.String(),
    pin: Type.Union([Pin, Type.Null()], { description: "where its channels live; null: anywhere" }),
    listed: Type.Boolean({ description: "whether anything is put down about it" }),
    admitted: Type.Boolean({ description: "whether it may use the installation" }),
    quotas: QuotasBody,
  }),
);

export const Missing = Type.Array(Type.String(), {
  description: "gateways that are known but did not answer in time: what they hold is not counted in",
});

export const GatewaysBody = named(
  "Gateways",
  Type.Object({
    gateways: Type.Array(
      Type.Object({
        id: Type.String(),
        instance: Type.String({ description: "this run of it; another one after a restart" }),
        connections: Type.Integer(),
        channels: Type.Integer({ description: "channels with subscribers here" }),
        draining: Type.Boolean(),
        operation: Type.Optional(Type.String({ description: "id of its drain" })),
        startedAt: TimeMs,
      }),
    ),
    missing: Missing,
  }),
);

export const ChannelBody = named(
  "Channel",
  Type.Object({
    tenant: Type.String(),
    channel: Type.String(),
    cell: Type.Union([Type.String(), Type.Null()], {
      description: "its home; null while no cell may serve it",
    }),
    partition: Type.Integer({ description: "its partition within the cell" }),
    worker: Type.Union([Type.String(), Type.Null()], {
      description: "owner of the partition; null if no worker answers",
    }),
    epoch: Type.Union([Type.String(), Type.Null()]),
    seq: Type.Union([Type.Integer(), Type.Null()], {
      description: "the newest message's; 0 before the first",
    }),
    members: Type.Union([Type.Integer(), Type.Null()], { description: "connections that are present" }),
    subscribers: Type.Record(Type.String(), Type.Integer(), { description: "connections, by gateway" }),
    missing: Missing,
    problem: Type.Optional(
      Type.String({ description: "why epoch, seq or members are null: the channel does not answer" }),
    ),
  }),
);

export const PublishBody = Type.Object(
  {
    data: Type.Unknown({ description: "what JSON can say, as large as the namespace allows" }),
    user: UserName,
    mid: Type.Optional(
      Type.String({ minLength: 1, maxLength: MAX_MESSAGE_ID_LENGTH, description: "idempotency id" }),
    ),
  },
  closed,
);
export const PublishedBody = named(
  "Published",
  Type.Object({
    epoch: Type.String(),
    seq: Type.Integer(),
    ts: TimeMs,
    dup: Type.Optional(
      Type.Boolean({ description: "the same mid was stored before, and this is its position" }),
    ),
  }),
);

export const HistoryBody = named(
  "History",
  Type.Object({
    epoch: Type.String(),
    messages: Type.Array(
      Type.Object({
        seq: Type.Integer(),
        id: Type.String(),
        user: Type.String(),
        conn: Type.Optional(Type.String()),
        ts: TimeMs,
        data: Type.Unknown(),
      }),
    ),
    more: Type.Boolean({ description: "whether there is more in the direction asked for" }),
  }),
);

export const PresenceBody = named(
  "Presence",
  Type.Object({
    members: Type.Array(
      Type.Object({ conn: Type.String(), user: Type.String(), state: Type.Unknown(), since: TimeMs }),
    ),
    count: Type.Integer(),
    stale: Type.Optional(
      Type.Boolean({ description: "the cell's Redis is away, so members may be missing" }),
    ),
  }),
);

export const UserBody = named(
  "User",
  Type.Object({
    tenant: Type.String(),
    user: Type.String(),
    connections: Type.Array(
      Type.Object({
        conn: Type.String(),
        gateway: Type.String(),
        openedAt: TimeMs,
        expiresAt: Type.Number({
          description: "when its token's time is over, milliseconds since 1970",
        }),
        channels: Type.Array(Type.String()),
      }),
      { description: "200 of each gateway at most; `count` is the whole number" },
    ),
    count: Type.Integer(),
    missing: Missing,
  }),
);

export const DisconnectBody = Type.Object(
  { conn: Type.Optional(Type.String({ maxLength: 128, description: "only this connection" })) },
  closed,
);
export const DisconnectedBody = named(
  "Disconnected",
  Type.Object({ closed: Type.Integer({ description: "connections that were closed" }), missing: Missing }),
);

export const RevokeBody = Type.Object(
  {
    tenant: Type.Optional(TenantName),
    user: Type.Optional(UserName),
    jti: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_TOKEN_ID_LENGTH })),
    lifetimeMs: Type.Optional(
      Type.Integer({
        minimum: 1_000,
        maximum: MAX_REVOCATION_MS,
        description: "how long the longest-lived of these tokens still has, milliseconds",
      }),
    ),
  },
  closed,
);
export const RevokedBody = named(
  "Revoked",
  Type.Object({
    tenant: Type.Union([Type.String(), Type.Null()]),
    user: Type.Optional(Type.String()),
    jti: Type.Optional(Type.String()),
    before: Type.Optional(
      Type.Number({
        description: "tokens issued after this moment are not concerned, milliseconds since 1970",
      }),
    ),
    until: Type.Number({ description: "when the revocation is forgotten, milliseconds since 1970" }),
  }),
);

export const TokenBody = Type.Object(
  {
    tenant: TenantName,
    user: UserName,
    caps: Type.Optional(
      Type.Record(Type.String(), Type.Array(list(ACTIONS)), {
        description: "what is allowed, by channel pattern; nothing where it is missing",
      }),
    ),
    lifetimeMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: MAX_REVOCATION_MS })),
    jti: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_TOKEN_ID_LENGTH })),
  },
  closed,
);
export const IssuedBody = named(
  "Issued",
  Type.Object({ token: Type.String(), jti: Type.String(), expiresAt: TimeMs }),
);

/** What OpenAPI shows under its own name. */
export const NAMED = [
  ErrorBody,
  OperationBody,
  OperationsBody,
  StartedBody,
  CellsBody,
  TenantBody,
  GatewaysBody,
  ChannelBody,
  PublishedBody,
  HistoryBody,
  PresenceBody,
  UserBody,
  DisconnectedBody,
  RevokedBody,
  IssuedBody,
];

/** The answers of a route: one that is right, and errors. */
export function answers<S extends TSchema & { $id: string }, Code extends number>(code: Code, schema: S) {
  return { [code]: ref(schema), "4xx": ref(ErrorBody), "5xx": ref(ErrorBody) };
}

/** The answer of a route that streams server-sent events. */
export function eventAnswers(description: string) {
  const events = { description, content: { "text/event-stream": { schema: { type: "string" } } } };
  return { 200: events, "4xx": ref(ErrorBody), "5xx": ref(ErrorBody) };
}
