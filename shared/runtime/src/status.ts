/**
 * What the admin API asks of the workers of a cell and of the gateways, and what each of them answers: JSON, seldom,
 * small.
 */

export interface WorkerStatus {
  cell: string;
  worker: string;
  /** Live workers of the cell as this one sees them, itself included. */
  peers: string[];
  /** Channels in this worker's memory. */
  actors: number;
  /** The partitions that this worker owns. */
  partitions: number[];
  /** Messages stored by this worker, per second over the last seconds. */
  rate: number;
  /** Channels that the cell holds; one of its workers counts them, the others say 0. */
  channels: number;
}

/** Which gateway answers: its name, and the name of this run of it. */
export interface GatewayName {
  id: string;
  instance: string;
}

export interface GatewayStatus extends GatewayName {
  connections: number;
  /** Channels with subscribers at this gateway. */
  channels: number;
  draining: boolean;
  /** The drain under way, or the one that is done. */
  operation: string | null;
  startedAt: number;
}

export interface ChannelQuestion {
  tenant: string;
  channel: string;
}
export interface ChannelSubscribers extends GatewayName {
  subscribers: number;
}

export interface UserQuestion {
  tenant: string;
  user: string;
}
export interface UserConnection {
  conn: string;
  /** Milliseconds since 1970. */
  openedAt: number;
  /** When its token's time is over, milliseconds since 1970. */
  expiresAt: number;
  channels: string[];
}
export interface UserConnections extends GatewayName {
  /** Bounded, and so is the number of channels in all of them; `count` is the whole number. */
  connections: UserConnection[];
  count: number;
}

export interface DisconnectOrder extends UserQuestion {
  /** Only this connection. */
  conn?: string;
}
export interface Disconnected extends GatewayName {
  closed: number;
}

export interface DrainOrder {
  /** Id for the operation, unless one is under way already. */
  operation: string;
  /** Connections that are sent away per second; the gateway's own option where it is missing. */
  perSecond?: number;
}
export interface DrainAnswer extends GatewayName {
  /** null: it could not begin, because the operation could not be recorded. */
  operation: string | null;
}
