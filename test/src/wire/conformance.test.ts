/**
 * WebSocket as RFC 6455 has it, octet by octet: the cases of the Autobahn suite that concern a server, against a
 * gateway. A gateway echoes nothing, so that a message arrived is shown by the answer to the request in it. Where
 * uWebSockets is more lenient than the letter, the case says what happens, and names the section.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { clusterForFile } from "../harness/cluster.js";
import { closeCases } from "./close.js";
import { controlCases } from "./control.js";
import { fragmentationCases } from "./fragmentation.js";
import { framingCases } from "./framing.js";
import { limitCases } from "./limits.js";
import { upgradeCases } from "./upgrade.js";
import { utf8Cases } from "./utf8.js";
import type { WireCase } from "./wire-case.js";
import { WireSocket } from "./wire-socket.js";

let token = "";
let pid = 0;
const cluster = clusterForFile(
  {
    settings: { namespaces: { wide: { maxMessageBytes: 131_072 } } },
    gatewayEnv: { PLEXUS_STOP_GRACE_MS: "0" },
  },
  async (started) => {
    token = await started.token("wire");
    pid = started.process("g1").pid;
  },
);
const context: WireCase = {
  url: () => cluster.url,
  connect: (encoding) => WireSocket.welcome(cluster.url, token, encoding),
};

describe("opening handshake", () => upgradeCases(context));
describe("framing", () => framingCases(context));
describe("control frames", () => controlCases(context));
describe("fragmentation", () => fragmentationCases(context));
describe("UTF-8", () => utf8Cases(context));
describe("closing", () => closeCases(context));
describe("limits", () => limitCases(context));

test("the gateway is the same process, and its log knows of no defect", () => {
  assert.equal(cluster.process("g1").pid, pid);
  const serious = cluster
    .log("g1")
    .split("\n")
    .filter((line) => /"level":"(error|fatal)"/.test(line));
  assert.deepEqual(serious, []);
});
