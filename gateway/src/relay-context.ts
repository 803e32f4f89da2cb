import type { Member } from "@plexus/protocol";
import type {
  DirectoryStore,
  Logger,
  NatsConnection,
  Router,
  Settings,
  TenantLimits,
  Tracer,
} from "@plexus/runtime";
import type { FanOut } from "./fan-out.js";

/** What the relays of a gateway work with. */
export interface RelayContext {
  readonly nats: NatsConnection;
  readonly router: Router;
  readonly directory: DirectoryStore;
  readonly fanOut: FanOut;
  readonly settings: Settings;
  readonly tenants: Pick<TenantLimits, "delivered">;
  readonly tracer: Pick<Tracer, "active" | "carried" | "ended">;
  readonly gateway: string;
  readonly log: Logger;
}

/** Which channel a relay, or a part of one, is for. */
export interface RelayedChannel {
  /** Of maps and topics. */
  readonly key: string;
  readonly tenant: string;
  readonly channel: string;
  /** This gateway's own members of it. */
  readonly announcer: { get(conn: string): Member | undefined };
}
