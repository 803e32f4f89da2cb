/** What the process of lifecycle events and webhooks counts. */
import { Counter, Gauge, Histogram } from "prom-client";

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
export const requests = new Counter({
  name: "plexus_webhook_requests_total",
  help: "Requests to webhooks, by outcome: delivered, refused, failed, away",
  labelNames: ["tenant", "webhook", "outcome"],
});
export const requestSeconds = new Histogram({
  name: "plexus_webhook_request_seconds",
  help: "How long webhooks took to answer",
  buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10],
});
export const webhookEvents = new Counter({
  name: "plexus_webhook_events_total",
  help: "Events that were dealt with: delivered, or a dead letter",
  labelNames: ["tenant", "webhook"],
});
export const webhookLag = new Gauge({
  name: "plexus_webhook_lag",
  help: "Entries of a stream that wait for a webhook",
  labelNames: ["tenant", "webhook", "lane"],
});
export const deadLetters = new Counter({
  name: "plexus_webhook_dead_letters_total",
  help: "Batches that could not be delivered",
  labelNames: ["tenant", "webhook"],
});
export const orderWaived = new Counter({
  name: "plexus_webhook_order_waived_total",
  help: "Channels whose earlier messages lie in a log that can't be read, and whose later ones were delivered",
});
