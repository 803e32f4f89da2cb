/** What one region takes; pure. Every figure says how it came about. */
import { encodeRecord, joinFragments, messageFragment } from "@plexus/protocol";
import { history, messages, people, presence } from "./demand.js";
import type { PlanInputs } from "./inputs.js";
import { cost, Ledger, shown } from "./quantities.js";

const DAYS_PER_MONTH = 30;
const US_PER_S = 1_000_000;
const GB = 1_000_000_000;
const KIB = 1_024;
const MIB = KIB * KIB;
const GIB = MIB * KIB;
/** Messages of a page of history, as they were measured. */
const PAGE = 50;
/** A cell has 64 partitions, and a worker at least one of them. */
const MAX_WORKERS_OF_A_CELL = 64;

/** Bytes of a record with one message, as the log stores it and subscribers get it. */
export function recordBytes(dataBytes: number): number {
  const id = "g1-9c7cb839-1.1234";
  const fragment = messageFragment(
    id,
    '"user-1234567"',
    '"g1-9c7cb839-1234"',
    `"${"x".repeat(Math.max(0, dataBytes - 2))}"`,
  );
  return encodeRecord(
    "chat.channel-1234567",
    "dn1bwo4csxzw",
    1_000_000,
    [joinFragments([fragment])],
    1_795_309_037_602,
  ).length;
}

export function planRegion(inputs: PlanInputs, share: number): Ledger {
  const ledger = new Ledger();
  people(ledger, inputs, share);
  messages(ledger, inputs);
  presence(ledger, inputs, share);
  history(ledger, inputs, share);
  gateways(ledger, inputs);
  cells(ledger, inputs);
  brokers(ledger, inputs);
  redis(ledger, inputs);
  traffic(ledger, inputs);
  return ledger;
}

/** Gateways that a record goes to: those where some member is connected. */
function reached(gateways: number, members: number): number {
  return gateways * (1 - (1 - 1 / gateways) ** members);
}

function gateways(ledger: Ledger, { headroom }: PlanInputs): void {
  const [publishes, online, connections] = [
    ledger.of("publishes"),
    ledger.of("online"),
    ledger.of("connections"),
  ];
  const [changes, historyCores] = [ledger.of("presenceChanges"), ledger.of("historyGatewayCores")];
  const fixedUs =
    publishes * cost("publishGatewayUs") +
    changes * cost("presenceGatewayUs") +
    historyCores * US_PER_S +
    (ledger.of("deliveries") + ledger.of("presenceDeliveries")) * cost("deliveryGatewayUs") +
    ledger.of("arrivals") * cost("arrivalGatewayUs") +
    connections * cost("idleGatewayUsPerS");
  // More gateways mean that each record goes to more of them: the smallest number that carries its own share. What a
  // number does not carry, no smaller number than its cores would take does either, so that many are tried next.
  let serving = Math.max(1, Math.ceil(connections / (cost("connectionsPerGateway") * headroom)));
  const coresOf = (count: number) =>
    (fixedUs + publishes * reached(count, online) * cost("relayGatewayUs")) / US_PER_S;
  for (let wanted = coresOf(serving) / headroom; wanted > serving; wanted = coresOf(serving) / headroom)
    serving = Math.ceil(wanted);
  const records = ledger.put(
    "recordsPerPublish",
    "gateways that a record goes to",
    reached(serving, online),
    "",
    `${shown(serving)} × (1 − (1 − 1/${shown(serving)})^${shown(online)})`,
  );
  const cores = ledger.put(
    "gatewayCores",
    "gateways' CPU",
    coresOf(serving),
    "cores",
    `${shown(publishes)} publishes × ${cost("publishGatewayUs")} µs + ${shown(publishes)} × ${shown(records)} records × ${cost("relayGatewayUs")} µs + ${shown(ledger.of("deliveries") + ledger.of("presenceDeliveries"))} deliveries × ${cost("deliveryGatewayUs")} µs + ${shown(ledger.of("arrivals"))} arrivals × ${cost("arrivalGatewayUs")} µs + ${shown(connections)} connections × ${cost("idleGatewayUsPerS")} µs + ${shown(changes)} members that come or go × ${cost("presenceGatewayUs")} µs + ${shown(historyCores)} cores for history`,
    [
      "publishGatewayUs",
      "relayGatewayUs",
      "deliveryGatewayUs",
      "arrivalGatewayUs",
      "idleGatewayUsPerS",
      "presenceGatewayUs",
    ],
  );
  const count = ledger.put(
    "gateways",
    "gateways",
    serving + 1,
    "",
    `the larger of ${shown(cores)} cores ÷ ${headroom} and ${shown(connections)} connections ÷ (${shown(cost("connectionsPerGateway"))} × ${headroom}), and one more`,
    ["connectionsPerGateway"],
  );
  const each =
    cost("gatewayBaseMiB") * MIB +
    (connections / serving) * (cost("connectionKiB") + cost("socketKiB")) * KIB +
    ((ledger.of("activeChannels") * records) / serving) * cost("relayKiB") * KIB;
  ledger.put(
    "gatewayMemory",
    "memory of all gateways",
    (count * each) / GIB,
    "GiB",
    `${count} × (${cost("gatewayBaseMiB")} MiB + ${shown(connections / serving)} connections × ${cost("connectionKiB") + cost("socketKiB")} KiB + ${shown((ledger.of("activeChannels") * records) / serving)} relays × ${cost("relayKiB")} KiB), also with one gone`,
    ["gatewayBaseMiB", "connectionKiB", "socketKiB", "relayKiB"],
  );
}

function cells(ledger: Ledger, { headroom }: PlanInputs): void {
  const [publishes, changes, actors, historyCores] = [
    ledger.of("publishes"),
    ledger.of("presenceChanges"),
    ledger.of("activeChannels"),
    ledger.of("historyWorkerCores"),
  ];
  const cores = ledger.put(
    "workerCores",
    "workers' CPU",
    (publishes * cost("publishWorkerUs") + changes * cost("presenceWorkerUs")) / US_PER_S + historyCores,
    "cores",
    `${shown(publishes)} publishes × ${cost("publishWorkerUs")} µs + ${shown(changes)} members that come or go × ${cost("presenceWorkerUs")} µs + ${shown(historyCores)} cores for history`,
    ["publishWorkerUs", "presenceWorkerUs"],
  );
  const busy = Math.max(
    1,
    Math.ceil(cores / headroom),
    Math.ceil(actors / (cost("actorsPerWorker") * headroom)),
  );
  const byLog = Math.ceil(publishes / (cost("appendsPerLog") * headroom));
  const redisCores = ledger.put(
    "redisCores",
    "Redis's CPU",
    (changes * cost("presenceRedisUs")) / US_PER_S,
    "cores",
    `${shown(changes)} members that come or go × ${cost("presenceRedisUs")} µs`,
    ["presenceRedisUs"],
  );
  // A Redis works on one core.
  const byRedis = Math.ceil(redisCores / headroom);
  const count = ledger.put(
    "cells",
    "cells",
    Math.max(1, byLog, byRedis, Math.ceil(busy / (MAX_WORKERS_OF_A_CELL - 1))),
    "",
    `the larger of ${shown(publishes)} publishes ÷ (${shown(cost("appendsPerLog"))} of one log × ${headroom}) and ${shown(redisCores)} cores of Redis ÷ ${headroom}, of at most ${MAX_WORKERS_OF_A_CELL} workers each`,
    ["appendsPerLog"],
  );
  const serving = Math.max(busy, count);
  const workers = ledger.put(
    "workers",
    "workers",
    serving + count,
    "",
    `the larger of ${shown(cores)} cores ÷ ${headroom}, ${shown(actors)} channels ÷ (${shown(cost("actorsPerWorker"))} × ${headroom}) and one a cell; and one more in each cell`,
    ["actorsPerWorker"],
  );
  ledger.put(
    "workerMemory",
    "memory of all workers",
    (workers * cost("workerBaseMiB") * MIB + actors * cost("actorKiB") * KIB * (workers / serving)) / GIB,
    "GiB",
    `${workers} × ${cost("workerBaseMiB")} MiB + ${shown(actors)} channels × ${cost("actorKiB")} KiB, also with one gone of each cell`,
    ["workerBaseMiB", "actorKiB"],
  );
}

function brokers(ledger: Ledger, { headroom, natsReplicas }: PlanInputs): void {
  const [publishes, changes, cellCount] = [
    ledger.of("publishes"),
    ledger.of("presenceChanges"),
    ledger.of("cells"),
  ];
  const servers = ledger.put(
    "natsServers",
    "NATS servers of the cells",
    cellCount * natsReplicas,
    "",
    `${cellCount} cells × ${natsReplicas}`,
  );
  const historyCores = ledger.of("historyNatsCores");
  const publishUs = cost("publishNatsUs") + cost("recordNatsUs");
  const perServer =
    ((publishes * publishUs + changes * cost("presenceNatsUs")) / US_PER_S + historyCores) / cellCount;
  ledger.put(
    "natsCores",
    "CPU of the cells' NATS servers",
    perServer * servers,
    "cores",
    `${servers} × (${shown(publishes)} publishes × (${cost("publishNatsUs")} µs + ${cost("recordNatsUs")} µs to the hub) + ${shown(changes)} members that come or go × ${cost("presenceNatsUs")} µs + ${shown(historyCores)} cores for history) ÷ ${cellCount} cells; a replica does what the leader does`,
    ["publishNatsUs", "recordNatsUs", "presenceNatsUs"],
  );
  ledger.put(
    "natsCoresAsked",
    "cores for the cells' NATS servers",
    Math.max(servers, Math.ceil((perServer * servers) / headroom)),
    "",
    `${servers} × ${shown(perServer)} cores ÷ ${headroom}, whole ones, at least one each`,
  );
  ledger.put(
    "natsMemory",
    "memory of the cells' NATS servers",
    (servers * cost("natsBaseMiB") * MIB +
      ledger.of("channels") * cost("natsSubjectKiB") * KIB * natsReplicas) /
      GIB,
    "GiB",
    `${servers} × ${cost("natsBaseMiB")} MiB + ${shown(ledger.of("channels"))} channels × ${cost("natsSubjectKiB")} KiB × ${natsReplicas}`,
    ["natsBaseMiB", "natsSubjectKiB"],
  );
}

function redis(ledger: Ledger, { redisReplicas }: PlanInputs): void {
  const cellCount = ledger.of("cells");
  const servers = ledger.put(
    "redisServers",
    "Redis servers",
    cellCount * (1 + redisReplicas),
    "",
    `${cellCount} cells × (1 + ${redisReplicas})`,
  );
  const members = ledger.of("presenceMembers");
  ledger.put(
    "redisMemory",
    "memory of Redis",
    (servers * cost("redisBaseMiB") * MIB + members * cost("presenceMemberBytes") * (1 + redisReplicas)) /
      GIB,
    "GiB",
    `${servers} × ${cost("redisBaseMiB")} MiB + ${shown(members)} members × ${cost("presenceMemberBytes")} bytes × ${1 + redisReplicas}`,
    ["redisBaseMiB", "presenceMemberBytes"],
  );
}

function traffic(ledger: Ledger, { bytes, retentionDays, natsReplicas }: PlanInputs): void {
  const record = ledger.put(
    "recordBytes",
    "a record with one message",
    recordBytes(bytes),
    "bytes",
    `${bytes} bytes of data and what stands around them`,
  );
  const stored =
    ledger.of("messagesPerDay") * retentionDays * (record + cost("storedOverheadBytes")) * natsReplicas;
  ledger.put(
    "storage",
    "logs on disk",
    stored / GB,
    "GB",
    `${shown(ledger.of("messagesPerDay"))} a day × ${shown(retentionDays)} days × (${record} + ${cost("storedOverheadBytes")}) bytes × ${natsReplicas}`,
    ["storedOverheadBytes"],
  );
  const frame = record + cost("frameOverheadBytes");
  ledger.put(
    "egressPeak",
    "to clients at the peak",
    ((ledger.of("deliveries") + ledger.of("historyReads") * PAGE) * frame * 8) / 1_000_000,
    "Mbit/s",
    `(${shown(ledger.of("deliveries"))} deliveries + ${shown(ledger.of("historyReads"))} pages of ${PAGE}) × ${frame} bytes × 8`,
    ["frameOverheadBytes"],
  );
  ledger.put(
    "egressMonth",
    "to clients in a month",
    (ledger.of("messagesPerDay") * DAYS_PER_MONTH * ledger.of("online") * frame) / GB,
    "GB",
    `${shown(ledger.of("messagesPerDay"))} × ${DAYS_PER_MONTH} × ${shown(ledger.of("online"))} × ${frame} bytes`,
    ["frameOverheadBytes"],
  );
}
