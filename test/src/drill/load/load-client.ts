/** What the load's clients have in common, those of raw frames and those of the SDK. */
import type { HistoryPage } from "@plexus/client";
import type { Lane } from "./lane.js";
import type { LoadCounters } from "./orders.js";
import type { Watch } from "./watch.js";

export interface ClientContext {
  readonly url: string;
  readonly token: string;
  readonly counters: LoadCounters;
  /** What is put into every message beside its number. */
  readonly pad: string;
  /** A message was acknowledged so long after it was due. */
  tookMs(ms: number): void;
}

/** Publishes for its lanes and subscribes for its watches. */
export interface LoadClient {
  readonly watches: Iterable<Watch>;
  add(watch: Watch): void;
  /** Connects (to this gateway, where the client can choose) and subscribes. */
  start(gateway?: string): Promise<void>;
  stop(): void;
  /** A message of the lane is due, or one has to be sent again. */
  wake(lane: Lane): void;
  /** Sends what is due, as far as it may. */
  pump(now: number): void;
  /** To be called now and then. */
  look(now: number): void;
  history(channel: string, after: number, limit: number): Promise<HistoryPage>;
}

export function payloadOf({ pad }: ClientContext, number: number): { n: number; pad?: string } {
  return pad === "" ? { n: number } : { n: number, pad };
}
