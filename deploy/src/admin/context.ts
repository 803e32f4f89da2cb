import type { Server } from "node:https";
import type {
  BotRegistry,
  DirectoryStore,
  HubOptions,
  Logger,
  NatsConnection,
  Publisher,
  RevocationStore,
  Router,
  SettingsStore,
  TenantLimits,
  Tracer,
} from "@plexus/runtime";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
} from "fastify";
import type { Static, TSchema } from "typebox";
import type { Advisor } from "./advice/advisor.js";
import type { CellChanges } from "./cell-changes.js";
import type { GatewayRoster } from "./gateway-roster.js";
import type { Operations } from "./operations.js";
import type { EventStreams } from "./sse.js";
import type { StatsFeed } from "./stats/feed.js";

/** What the routes of the admin API work with. */
export interface AdminContext {
  readonly nats: NatsConnection;
  readonly hub: HubOptions;
  readonly directory: DirectoryStore;
  readonly router: Router;
  readonly publisher: Publisher;
  readonly tracer: Pick<Tracer, "begin">;
  readonly operations: Operations;
  readonly revocations: RevocationStore;
  readonly bots: BotRegistry;
  /** Public keys of those that may do everything on the bus. */
  readonly internalKeys: readonly string[];
  readonly gateways: GatewayRoster;
  readonly streams: EventStreams;
  readonly stats: StatsFeed;
  readonly advisor: Advisor;
  readonly settings: SettingsStore;
  readonly tenants: TenantLimits;
  readonly cellChanges: CellChanges;
  readonly tokenSecret: string | undefined;
  readonly maxTokenLifetimeMs: number;
  readonly log: Logger;
}

/** Takes the types of requests and answers from their schemas. */
interface TypesFromSchemas extends FastifyTypeProvider {
  validator: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
  serializer: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
}

export type AdminServer = FastifyInstance<
  Server,
  RawRequestDefaultExpression<Server>,
  RawReplyDefaultExpression<Server>,
  FastifyBaseLogger,
  TypesFromSchemas
>;
