/** What this gateway says of its load; see the runtime's `load.ts`. */
import {
  type GatewayCounts,
  growth,
  type Logger,
  type NatsConnection,
  publishSeconds,
  sayLoad,
} from "@plexus/runtime";
import * as metrics from "./metrics.js";

export function sayGatewayLoad(context: {
  nats: NatsConnection;
  gateway: string;
  instance: string;
  connections: { readonly size: number };
  maxConnections: number;
  tenants: { readonly lagMs: number };
  log: Logger;
}): () => void {
  const { nats, gateway: id, instance, connections, maxConnections, tenants, log } = context;
  const publishes = growth(publishSeconds);
  const deliveries = growth(metrics.deliveries);
  const errors = growth(metrics.toldErrors);
  const refusals = growth(metrics.toldRefusals);
  const notLetIn = growth(metrics.refusedConnections);
  const bytesIn = growth(metrics.bytesIn);
  const bytesOut = growth(metrics.bytesOut);
  const counts = (): GatewayCounts => ({
    kind: "gateway",
    id,
    connections: connections.size,
    maxConnections,
    publishes: publishes(),
    deliveries: deliveries(),
    errors: errors(),
    refusals: refusals() + notLetIn(),
    bytesIn: bytesIn(),
    bytesOut: bytesOut(),
    publish: publishSeconds.recent.take(),
    deliver: metrics.deliverSeconds.recent.take(),
  });
  return sayLoad({ nats, instance, lagMs: () => tenants.lagMs, counts, log });
}
