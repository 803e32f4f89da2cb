/**
 * The client protocol, frame by frame and without the SDK: every operation, and every error and close code that
 * a gateway can produce. All cases run over JSON and over MessagePack.
 */
import { describe } from "node:test";
import { clusterForFile } from "./harness/cluster.js";
import { authenticationCases } from "./protocol/authentication.js";
import type { ProtocolCase } from "./protocol/case.js";
import { handshakeCases } from "./protocol/handshake.js";
import { historyCases } from "./protocol/history.js";
import { presenceCases } from "./protocol/presence.js";
import { publishCases } from "./protocol/publish.js";
import { recoveryCases } from "./protocol/recovery.js";
import { requestCases } from "./protocol/requests.js";
import { subscriptionCases } from "./protocol/subscription.js";

const cluster = clusterForFile({
  settings: {
    namespaces: {
      small: { maxMessageBytes: 64 },
      absent: { presence: false },
      few: { retention: { messages: 10 } },
      brief: { retention: { ageMs: 1_000 } },
    },
  },
  gatewayEnv: {
    PLEXUS_HELLO_MS: "5000",
    PLEXUS_MAX_CHANNELS_PER_CONNECTION: "8",
    PLEXUS_MAX_IN_FLIGHT: "50",
    PLEXUS_MAX_BATCH: "100",
  },
});

for (const encoding of ["json", "msgpack"] as const) {
  const context: ProtocolCase = {
    cluster,
    encoding,
    channel: (name) => `chat.${name}.${encoding}`,
    connect: (user, options) => cluster.connect(user, { encoding, ...options }),
    open: () => cluster.open(encoding),
  };
  describe(`over ${encoding}`, () => {
    describe("handshake", () => handshakeCases(context));
    describe("requests", () => requestCases(context));
    describe("publish", () => publishCases(context));
    describe("subscription", () => subscriptionCases(context));
    describe("recovery", () => recoveryCases(context));
    describe("history", () => historyCases(context));
    describe("presence, state, signal", () => presenceCases(context));
    describe("tokens and capabilities", () => authenticationCases(context));
  });
}
