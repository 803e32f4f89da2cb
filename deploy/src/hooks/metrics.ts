/** What the process of lifecycle events and webhooks counts. */
import { Counter, Gauge } from "prom-client";

export const active = new Gauge({
  name: "plexus_hooks_active",
  help: "1 while this process is the active one",
});
export const lag = new Gauge({
  name: "plexus_lifecycle_lag",
  help: "Entries of the stream that this process has not read yet",
});
export const connections = new Gauge({
  name: "plexus_lifecycle_connections",
  help: "Connections of tenants that are followed",
});
export const channels = new Gauge({
  name: "plexus_lifecycle_channels",
  help: "Channels of such tenants with subscribers, or without for less than the time of grace",
});
export const owed = new Gauge({
  name: "plexus_lifecycle_owed",
  help: "Derived events that are not in the stream yet",
});
export const derived = new Counter({
  name: "plexus_lifecycle_derived_total",
  help: "Events written by the keeper, by kind",
  labelNames: ["kind"],
});
