import { commonOptions, flag, integer, option } from "@plexus/runtime";
import { z } from "zod";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const hooksOptions = {
  ...commonOptions,
  hubDomain: option<string | undefined>({
    env: "PLEXUS_HUB_DOMAIN",
    type: z.string().optional(),
    default: undefined,
    doc: "JetStream domain of the hub, where each cell has a NATS server of its own (its domain is the cell's name).",
  }),
  replicas: option({
    env: "PLEXUS_LIFECYCLE_REPLICAS",
    type: integer(1, 5),
    default: 1,
    doc: "Copies of the streams of lifecycle events and dead letters; more than 1 needs a NATS cluster.",
  }),
  maxAgeMs: option({
    env: "PLEXUS_LIFECYCLE_MAX_AGE_MS",
    type: integer(600_000, 90 * DAY_MS),
    default: 3 * DAY_MS,
    doc: "Milliseconds that lifecycle events are kept: so long a follower may be away.",
  }),
  maxBytes: option({
    env: "PLEXUS_LIFECYCLE_MAX_BYTES",
    type: integer(1_048_576, Number.MAX_SAFE_INTEGER),
    default: 1_073_741_824,
    doc: "Bytes of lifecycle events that are kept; beyond it the oldest go.",
  }),
  maxEvents: option({
    env: "PLEXUS_LIFECYCLE_MAX_EVENTS",
    type: integer(1_000, Number.MAX_SAFE_INTEGER),
    default: 5_000_000,
    doc: "Lifecycle events that are kept; beyond it the oldest go.",
  }),
  vacateAfterMs: option({
    env: "PLEXUS_VACATE_AFTER_MS",
    type: integer(0, 600_000),
    default: 5_000,
    doc: "Milliseconds that a channel has to be without subscribers until it is vacated: longer than a page takes to reload.",
  }),
  gatewayLeaseMs: option({
    env: "PLEXUS_GATEWAY_LEASE_MS",
    type: integer(4_000, 120_000),
    default: 8_000,
    doc: "Milliseconds without a word from a gateway (it speaks every 2 s) after which all that it held has ended.",
  }),
  batchMs: option({
    env: "PLEXUS_WEBHOOK_BATCH_MS",
    type: integer(0, 10_000),
    default: 1_000,
    doc: "Milliseconds that a webhook's first event waits for more to go with it.",
  }),
  batchEvents: option({
    env: "PLEXUS_WEBHOOK_BATCH_EVENTS",
    type: integer(1, 1_000),
    default: 100,
    doc: "Events of one request to a webhook.",
  }),
  batchBytes: option({
    env: "PLEXUS_WEBHOOK_BATCH_BYTES",
    type: integer(1_024, 524_288),
    default: 262_144,
    doc: "Bytes of events of one request to a webhook; one event that is larger goes alone.",
  }),
  deadlineMs: option({
    env: "PLEXUS_WEBHOOK_DEADLINE_MS",
    type: integer(100, 60_000),
    default: 10_000,
    doc: "Milliseconds within which a webhook has to answer.",
  }),
  retryFirstMs: option({
    env: "PLEXUS_WEBHOOK_RETRY_FIRST_MS",
    type: integer(10, 60_000),
    default: 1_000,
    doc: "Milliseconds until a request that failed is made again; twice as long after each further failure, half of it at random.",
  }),
  retryMaxMs: option({
    env: "PLEXUS_WEBHOOK_RETRY_MAX_MS",
    type: integer(10, 3_600_000),
    default: 60_000,
    doc: "Milliseconds between two tries at most: so soon an endpoint that was away is found again.",
  }),
  attempts: option({
    env: "PLEXUS_WEBHOOK_ATTEMPTS",
    type: integer(1, 100),
    default: 12,
    doc: "Tries of a request that is answered with 5xx, 408 or 429, or not in time, until its events become a dead letter.",
  }),
  refusals: option({
    env: "PLEXUS_WEBHOOK_REFUSALS",
    type: integer(1, 100),
    default: 3,
    doc: "Tries of a request that is answered with any other status than 2xx (a redirect, 4xx) until its events become a dead letter.",
  }),
  giveUpAfterMs: option({
    env: "PLEXUS_WEBHOOK_GIVE_UP_AFTER_MS",
    type: integer(1_000, 90 * DAY_MS),
    default: DAY_MS,
    doc: "Milliseconds that the events of an endpoint that can't be reached are tried; then they become dead letters. Less than the streams keep.",
  }),
  deadLetterAgeMs: option({
    env: "PLEXUS_DEAD_LETTER_MAX_AGE_MS",
    type: integer(HOUR_MS, 365 * DAY_MS),
    default: 14 * DAY_MS,
    doc: "Milliseconds that dead letters are kept.",
  }),
  deadLetterBytes: option({
    env: "PLEXUS_DEAD_LETTER_MAX_BYTES",
    type: integer(1_048_576, Number.MAX_SAFE_INTEGER),
    default: 1_073_741_824,
    doc: "Bytes of dead letters that are kept; beyond it the oldest go.",
  }),
  privateTargets: option({
    env: "PLEXUS_WEBHOOK_PRIVATE_TARGETS",
    type: flag,
    default: false,
    doc: "Whether webhooks may lead to loopback, private and link-local addresses; off, so that no tenant reaches what only this network may.",
  }),
};
