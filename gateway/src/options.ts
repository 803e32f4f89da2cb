import {
  commonOptions,
  fairnessOptions,
  flag,
  integer,
  name,
  option,
  STOP_DEADLINE_MS,
  tracingOptions,
} from "@plexus/runtime";
import { z } from "zod";
import { addressOptions } from "./address-guard.js";
import { authOptions } from "./auth/options.js";
import { rateOptions } from "./rate-options.js";
import { tlsOptions } from "./tls.js";

export const gatewayOptions = {
  ...commonOptions,
  ...fairnessOptions,
  ...tracingOptions,
  gatewayId: option({ env: "PLEXUS_GATEWAY_ID", type: name, doc: "Name of this gateway, as in g1." }),
  host: option({
    env: "PLEXUS_HOST",
    type: z.string(),
    default: "127.0.0.1",
    doc: "Address that clients connect to; loopback by default.",
  }),
  port: option({
    env: "PLEXUS_PORT",
    type: integer(1, 65535),
    default: 8080,
    doc: "Port that clients connect to; several gateways on one machine may share it.",
  }),
  ...tlsOptions,
  ...authOptions,
  demo: option({
    env: "PLEXUS_DEMO",
    type: flag,
    default: false,
    doc: "Serve the demo at / and give a token to anybody who asks; never in production.",
  }),
  maxConnections: option({
    env: "PLEXUS_MAX_CONNECTIONS",
    type: integer(1, 1_000_000),
    default: 50_000,
    doc: "Connections of this gateway; more are refused with 503.",
  }),
  maxHandshakes: option({
    env: "PLEXUS_MAX_HANDSHAKES",
    type: integer(1, 1_000_000),
    default: 2_000,
    doc: "Connections that may be open and not welcomed yet; more are refused with 503 and Retry-After, so that a storm of clients comes in at the pace at which they are served.",
  }),
  ...addressOptions,
  maxChannels: option({
    env: "PLEXUS_MAX_CHANNELS_PER_CONNECTION",
    type: integer(1, 100_000),
    default: 500,
    doc: "Channels one connection may subscribe to.",
  }),
  maxFrameBytes: option({
    env: "PLEXUS_MAX_FRAME_BYTES",
    type: integer(1_024, 1_048_576),
    default: 262_144,
    doc: "Bytes of one WebSocket message from a client; a larger one closes the connection with 1009.",
  }),
  compressFromBytes: option<number | undefined>({
    env: "PLEXUS_COMPRESS_FROM_BYTES",
    type: integer(64, 1_048_576).optional(),
    default: undefined,
    doc: "Bytes from which on a page of history or a list of members is compressed for clients that offer permessage-deflate; unset: the offer is declined. Messages never are.",
  }),
  maxBatch: option({
    env: "PLEXUS_MAX_BATCH",
    type: integer(1, 10_000),
    default: 1_000,
    doc: "Frames in one WebSocket message from a client.",
  }),
  maxInFlight: option({
    env: "PLEXUS_MAX_IN_FLIGHT",
    type: integer(1, 100_000),
    default: 1_000,
    doc: "Requests of one connection without an answer yet.",
  }),
  maxReads: option({
    env: "PLEXUS_MAX_READS_IN_FLIGHT",
    type: integer(1, 10_000),
    default: 32,
    doc: "Requests for history or members of one connection without an answer yet: a few bytes each that bring up to half a megabyte.",
  }),
  ...rateOptions,
  slowReaderBytes: option({
    env: "PLEXUS_SLOW_READER_BYTES",
    type: integer(16_384, 1_073_741_824),
    default: 1_048_576,
    doc: "Unsent bytes over which a connection counts as slow; if it still is half a second later it is closed with 4001.",
  }),
  maxBackpressureBytes: option({
    env: "PLEXUS_MAX_BACKPRESSURE_BYTES",
    type: integer(65_536, 1_073_741_824),
    default: 8_388_608,
    doc: "Unsent bytes at which a connection is cut at once.",
  }),
  pingMs: option({
    env: "PLEXUS_PING_MS",
    type: integer(1_000, 120_000),
    default: 20_000,
    doc: "Milliseconds after which a silent client should send a ping; one that answers nothing, not even the gateway's own WebSocket pings, is closed after about twice as long.",
  }),
  helloMs: option({
    env: "PLEXUS_HELLO_MS",
    type: integer(100, 60_000),
    default: 10_000,
    doc: "Milliseconds within which the first frame must come.",
  }),
  drainPerSecond: option({
    env: "PLEXUS_DRAIN_PER_SECOND",
    type: integer(1, 100_000),
    default: 200,
    doc: "Connections per second that are told to go while this gateway is drained; the others have to take them.",
  }),
  drainGraceMs: option({
    env: "PLEXUS_DRAIN_GRACE_MS",
    type: integer(0, 600_000),
    default: 10_000,
    doc: "Milliseconds from a drain's good-bye to a connection until it is closed, for clients that finish something first.",
  }),
  stopGraceMs: option({
    env: "PLEXUS_STOP_GRACE_MS",
    type: integer(0, 8_000),
    default: 6_000,
    doc: "Milliseconds that connections get to go elsewhere when this process is asked to end; it ends as soon as they are gone.",
  }),
  stopWithinMs: option({
    env: "PLEXUS_STOP_WITHIN_MS",
    type: integer(STOP_DEADLINE_MS, 3_600_000),
    default: STOP_DEADLINE_MS,
    doc: "Milliseconds after which this process ends itself once it is asked to end. Good-byes go at the pace of a drain where they fit into it, else faster; whoever would kill the process has to wait for longer.",
  }),
  lifecycleBuffer: option({
    env: "PLEXUS_LIFECYCLE_BUFFER",
    type: integer(100, 1_000_000),
    default: 20_000,
    doc: "Lifecycle events that wait while the bus takes none; beyond it the oldest are given up, counted, and put right by the next roster.",
  }),
  rosterMs: option({
    env: "PLEXUS_ROSTER_MS",
    type: integer(1_000, 86_400_000),
    default: 900_000,
    doc: "Milliseconds between two rosters, by which the keeper of lifecycle events finds what was lost; a fraction of what the stream keeps.",
  }),
};
