/**
 * What tenants use and where they are refused. By name only for tenants that something is put down about, since anybody
 * with a key can make up others: those are `other`.
 */
import { Counter, Gauge } from "prom-client";

export const OTHER_TENANTS = "other";

export const tenantRefused = new Counter({
  name: "plexus_tenant_refused_total",
  help: "What was refused because a tenant has reached one of its limits",
  labelNames: ["tenant", "limit"],
});
export const tenantMessagesIn = new Counter({
  name: "plexus_tenant_messages_in_total",
  help: "Publishes and signals that were let in",
  labelNames: ["tenant"],
});
export const tenantMessagesOut = new Counter({
  name: "plexus_tenant_messages_out_total",
  help: "Messages and signals handed to subscribers, counted once for each of them",
  labelNames: ["tenant"],
});
export const tenantConnections = new Gauge({
  name: "plexus_tenant_connections",
  help: "Connections of this gateway",
  labelNames: ["tenant"],
});
export const lagSeconds = new Gauge({
  name: "plexus_lag_seconds",
  help: "How late the event loop is, smoothed: above PLEXUS_FAIR_LAG_MS work is shared out between tenants",
});
export const loopUtilization = new Gauge({
  name: "plexus_loop_utilization",
  help: "Part of the time that the event loop is busy, smoothed: above PLEXUS_FAIR_UTILIZATION work is shared out between tenants",
});
export const starvation = new Gauge({
  name: "plexus_starvation",
  help: "Part of the time for which the process is ready to run and has no processor, smoothed: above PLEXUS_FAIR_STARVATION work is shared out between tenants. 0 outside of Linux",
});
export const limitedTenants = new Gauge({
  name: "plexus_tenants_limited",
  help: "Tenants that do more than an equal part of the work and get less of it while this process is strained",
});
