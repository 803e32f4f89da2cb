/** What a gateway counts. */
import type { ClientFrame, ErrorCode } from "@plexus/protocol";
import { LabelledTally, Tally, TimeTally } from "@plexus/runtime";
import { Counter, Gauge } from "prom-client";

export const connections = new Gauge({ name: "plexus_connections", help: "Open connections" });
export const closed = new Counter({
  name: "plexus_connections_closed_total",
  help: "Connections closed, by close code",
  labelNames: ["code"],
});
export const refusedConnections = new LabelledTally<string>({
  name: "plexus_connections_refused_total",
  help: "Connections refused before they were open",
  label: "reason",
});
export const framesIn = new LabelledTally<ClientFrame["op"]>({
  name: "plexus_frames_in_total",
  help: "Frames from clients",
  label: "op",
});
const errors = new LabelledTally<ErrorCode>({
  name: "plexus_errors_total",
  help: "Errors sent to clients",
  label: "code",
});
/** Codes that say that a limit was reached, rather than that something went wrong. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(["rate_limited", "limit_reached", "too_large"]);
/** Errors by what they mean, in two counts. */
export const toldErrors = { total: 0 };
export const toldRefusals = { total: 0 };

/** An error is sent to a client. */
export function countError(code: ErrorCode): void {
  errors.add(code);
  (REFUSALS.has(code) ? toldRefusals : toldErrors).total++;
}
export const rateLimited = new Counter({
  name: "plexus_connection_rate_limited_total",
  help: "Frames refused because their connection sent too many per second",
  labelNames: ["kind"],
});
export const untranscodable = new Counter({
  name: "plexus_untranscodable_frames_total",
  help: "Frames of the bus that are no JSON, no text, or none that MessagePack can say",
});
export const deliveries = new Tally({
  name: "plexus_deliveries_total",
  help: "Frames handed to subscribers",
});
export const bytesIn = new Tally({
  name: "plexus_bytes_in_total",
  help: "Bytes of WebSocket messages from clients, after decompression",
});
export const bytesOut = new Tally({
  name: "plexus_bytes_out_total",
  help: "Bytes of WebSocket messages to clients, before compression",
});
export const deliverSeconds = new TimeTally({
  name: "plexus_deliver_seconds",
  help: "Time from when a record was made to its hand-over to a subscriber's socket, by the clocks of worker and gateway; counted for each subscriber",
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});
export const records = new Tally({
  name: "plexus_relay_records_total",
  help: "Records received over the bus",
});
export const skippedMessages = new Counter({
  name: "plexus_skipped_messages_total",
  help: "Messages that subscribers who could not keep up were spared, in namespaces that say so",
});
export const relays = new Gauge({ name: "plexus_relays", help: "Channels with subscribers here" });
export const repairs = new Counter({ name: "plexus_relay_repairs_total", help: "Gaps that were fetched" });
export const resets = new Counter({
  name: "plexus_relay_resets_total",
  help: "Channels that went on without proof of completeness",
});
export const tailBytes = new Gauge({
  name: "plexus_relay_tail_bytes",
  help: "Bytes of records kept for recoveries",
});
export const recoveries = new Counter({
  name: "plexus_recoveries_total",
  help: "Subscriptions with a position to resume from",
  labelNames: ["outcome"],
});
export const sharedPages = new Counter({
  name: "plexus_recovery_pages_shared_total",
  help: "Pages of the past that a recovery got together with another one",
});
export const announcements = new Counter({
  name: "plexus_presence_announcements_total",
  help: "Presence changes sent to actors",
  labelNames: ["kind"],
});
export const lifecycleEvents = new Counter({
  name: "plexus_lifecycle_events_total",
  help: "Lifecycle events of this gateway's connections, by what became of them: stored, or dropped",
  labelNames: ["outcome"],
});
