import { ENTRIES, type Entries } from "./plan.js";

/** How a local cluster is laid out. Everything but the data folder has a default. */
export interface ClusterOptions {
  /** For what lasts; made if it is missing, never deleted. */
  dataDir: string;
  /** Where gateways listen; 127.0.0.1. */
  host?: string;
  /** Shared by all gateways; undefined or 0 takes a free one. */
  port?: number | undefined;
  /** undefined or 0 takes a free one. */
  adminPort?: number | undefined;
  /** eu-1 and us-1. */
  cells?: string[];
  /** Of each cell: 2. */
  workers?: number;
  /** 2. */
  gateways?: number;
  /** Whether gateways serve the chat page, and tokens for it to anybody: true. */
  demo?: boolean;
  /** Whether every cell has brokers of its own: false. */
  isolated?: boolean;
  /** Brokers that exist already; none of that kind is started. */
  natsUrl?: string | undefined;
  redisUrl?: string | undefined;
  /** More environment for all children, and for those of one kind. */
  env?: Record<string, string>;
  workerEnv?: Record<string, string>;
  gatewayEnv?: Record<string, string>;
  hooksEnv?: Record<string, string>;
  adminEnv?: Record<string, string>;
  /** Whether lines for a person go to `events` only: false. */
  quiet?: boolean;
  /** Whether a process that dies is started again: true. */
  restart?: boolean;
  /** Until when everything must be ready: 60 s, which a loaded machine of two cores keeps with room to spare. */
  readyWithinMs?: number;
  /** Another address for a broker that this process (`g1`, `eu-1-w1`) is given: of a proxy in front of it, say. */
  through?: (process: string, url: string) => Promise<string>;
  /** Other programs in place of Plexus's own, for tests of the launcher. */
  entries?: Partial<Entries>;
}

type MayBeMissing = "port" | "adminPort" | "natsUrl" | "redisUrl";
export type CompleteOptions = Required<Omit<ClusterOptions, "entries" | MayBeMissing>> &
  Pick<ClusterOptions, MayBeMissing> & { entries: Entries };

export function withDefaults(options: ClusterOptions): CompleteOptions {
  return {
    host: "127.0.0.1",
    cells: ["eu-1", "us-1"],
    workers: 2,
    gateways: 2,
    demo: true,
    isolated: false,
    env: {},
    workerEnv: {},
    gatewayEnv: {},
    hooksEnv: {},
    adminEnv: {},
    quiet: false,
    restart: true,
    readyWithinMs: 60_000,
    through: async (_, url) => url,
    ...options,
    entries: { ...ENTRIES, ...options.entries },
  };
}
