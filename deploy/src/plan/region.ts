/** What one region takes; pure. Every figure says how it came about. */
import { encodeRecord, messageFragment } from "@plexus/protocol";
import type { PlanInputs } from "./inputs.js";
import { cost, Ledger, shown } from "./quantities.js";

const SECONDS_PER_DAY = 86_400;
const DAYS_PER_MONTH = 30;
const US_PER_S = 1_000_000;
const GB = 1_000_000_000;
const KIB = 1_024;
const MIB = KIB * KIB;
const GIB = MIB * KIB;
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
  return encodeRecord("chat.channel-1234567", "dn1bwo4csxzw", 1_000_000, [fragment], 1_795_309_037_602)
    .length;
}

export function planRegion(inputs: PlanInputs, share: number): Ledger {
  const ledger = new Ledger();
  people(ledger, inputs, share);
  messages(ledger, inputs);
  gateways(ledger, inputs);
  cells(ledger, inputs);
  brokers(ledger, inputs);
  traffic(ledger, inputs);
  return ledger;
}

/** Who is there at the peak, and where. */
function people(ledger: Ledger, inputs: PlanInputs, share: number): void {
  const { concurrentShare, channelsPerUser, membersPerChannel } = inputs;
  const users = ledger.put(
    "users",
    "users",
    inputs.users * share,
    "",
    `${shown(inputs.users)} × ${shown(share)}`,
  );
  const connections = ledger.put(
    "connections",
    "connections at the peak",
    users * concurrentShare,
    "",
    `${shown(users)} users × ${shown(concurrentShare)}`,
  );
  ledger.put(
    "subscriptions",
    "subscriptions",
    connections * channelsPerUser,
    "",
    `${shown(connections)} × ${shown(channelsPerUser)} channels`,
  );
  ledger.put(
    "presenceMembers",
    "members that are shown",
    connections * channelsPerUser * inputs.presenceShare,
    "",
    `${shown(connections)} × ${shown(channelsPerUser)} × ${shown(inputs.presenceShare)}`,
  );
  const channels = ledger.put(
    "channels",
    "channels",
    (users * channelsPerUser) / membersPerChannel,
    "",
    `${shown(users)} × ${shown(channelsPerUser)} ÷ ${shown(membersPerChannel)} members`,
  );
  const occupied = 1 - (1 - concurrentShare) ** membersPerChannel;
  ledger.put(
    "activeChannels",
    "channels with somebody there",
    channels * occupied,
    "",
    `${shown(channels)} × (1 − (1 − ${shown(concurrentShare)})^${shown(membersPerChannel)})`,
  );
  ledger.put(
    "online",
    "members of a channel that are there when one of them writes",
    1 + (membersPerChannel - 1) * concurrentShare,
    "",
    `1 + ${shown(membersPerChannel - 1)} × ${shown(concurrentShare)}`,
  );
}

/** What they write and bring about. */
function messages(ledger: Ledger, inputs: PlanInputs): void {
  const { channelsPerUser, messagesPerUserPerDay, peakFactor } = inputs;
  const [users, connections, online] = [ledger.of("users"), ledger.of("connections"), ledger.of("online")];
  const messagesPerDay = ledger.put(
    "messagesPerDay",
    "messages a day",
    users * messagesPerUserPerDay,
    "",
    `${shown(users)} × ${shown(messagesPerUserPerDay)}`,
  );
  const publishes = ledger.put(
    "publishes",
    "publishes at the peak",
    (messagesPerDay / SECONDS_PER_DAY) * peakFactor,
    "1/s",
    `${shown(messagesPerDay)} ÷ 86,400 s × ${shown(peakFactor)}`,
  );
  ledger.put(
    "deliveries",
    "deliveries at the peak",
    publishes * online,
    "1/s",
    `${shown(publishes)} × ${shown(online)}`,
  );
  const arrivals = ledger.put(
    "arrivals",
    "connections that come",
    connections / (inputs.sessionMinutes * 60),
    "1/s",
    `${shown(connections)} ÷ ${shown(inputs.sessionMinutes)} min`,
  );
  const changes = ledger.put(
    "presenceChanges",
    "members that come or go",
    2 * arrivals * channelsPerUser * inputs.presenceShare,
    "1/s",
    `2 × ${shown(arrivals)} × ${shown(channelsPerUser)} channels × ${shown(inputs.presenceShare)}`,
  );
  ledger.put(
    "presenceDeliveries",
    "presence events delivered",
    changes * online * inputs.presenceShare,
    "1/s",
    `${shown(changes)} × ${shown(online)} × ${shown(inputs.presenceShare)}`,
  );
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
  const fixedUs =
    publishes * cost("publishGatewayUs") +
    (ledger.of("deliveries") + ledger.of("presenceDeliveries")) * cost("deliveryGatewayUs") +
    ledger.of("arrivals") * cost("arrivalGatewayUs") +
    connections * cost("idleGatewayUsPerS");
  // More gateways mean that each record goes to more of them: the smallest number that carries its own share.
  let serving = Math.max(1, Math.ceil(connections / (cost("connectionsPerGateway") * headroom)));
  const coresOf = (count: number) =>
    (fixedUs + publishes * reached(count, online) * cost("relayGatewayUs")) / US_PER_S;
  while (coresOf(serving) / headroom > serving)
    serving = Math.max(serving + 1, Math.ceil(fixedUs / US_PER_S / headroom));
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
    `${shown(publishes)} publishes × ${cost("publishGatewayUs")} µs + ${shown(publishes)} × ${shown(records)} records × ${cost("relayGatewayUs")} µs + ${shown(ledger.of("deliveries") + ledger.of("presenceDeliveries"))} deliveries × ${cost("deliveryGatewayUs")} µs + ${shown(ledger.of("arrivals"))} arrivals × ${cost("arrivalGatewayUs")} µs + ${shown(connections)} connections × ${cost("idleGatewayUsPerS")} µs`,
    ["publishGatewayUs", "relayGatewayUs", "deliveryGatewayUs", "arrivalGatewayUs", "idleGatewayUsPerS"],
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
  const [publishes, changes, actors] = [
    ledger.of("publishes"),
    ledger.of("presenceChanges"),
    ledger.of("activeChannels"),
  ];
  const cores = ledger.put(
    "workerCores",
    "workers' CPU",
    (publishes * cost("publishWorkerUs") + changes * cost("presenceWorkerUs")) / US_PER_S,
    "cores",
    `${shown(publishes)} publishes × ${cost("publishWorkerUs")} µs + ${shown(changes)} members that come or go × ${cost("presenceWorkerUs")} µs`,
    ["publishWorkerUs", "presenceWorkerUs"],
  );
  const busy = Math.max(
    1,
    Math.ceil(cores / headroom),
    Math.ceil(actors / (cost("actorsPerWorker") * headroom)),
  );
  const byLog = Math.ceil(publishes / (cost("appendsPerLog") * headroom));
  const count = ledger.put(
    "cells",
    "cells",
    Math.max(1, byLog, Math.ceil(busy / (MAX_WORKERS_OF_A_CELL - 1))),
    "",
    `${shown(publishes)} publishes ÷ (${shown(cost("appendsPerLog"))} of one log × ${headroom}), of at most ${MAX_WORKERS_OF_A_CELL} workers each`,
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

function brokers(ledger: Ledger, { headroom, natsReplicas, redisReplicas }: PlanInputs): void {
  const [publishes, cellCount, records] = [
    ledger.of("publishes"),
    ledger.of("cells"),
    ledger.of("recordsPerPublish"),
  ];
  const servers = ledger.put(
    "natsServers",
    "NATS servers of the cells",
    cellCount * natsReplicas,
    "",
    `${cellCount} cells × ${natsReplicas}`,
  );
  const perServer =
    ((publishes / cellCount) * (cost("publishNatsUs") + records * cost("recordNatsUs"))) / US_PER_S;
  ledger.put(
    "natsCores",
    "CPU of the cells' NATS servers",
    perServer * servers,
    "cores",
    `${servers} × ${shown(publishes / cellCount)} publishes × (${cost("publishNatsUs")} µs + ${shown(records)} records × ${cost("recordNatsUs")} µs); a replica does what the leader does`,
    ["publishNatsUs", "recordNatsUs"],
  );
  ledger.put(
    "natsCoresAsked",
    "cores for the cells' NATS servers",
    servers * Math.max(1, Math.ceil(perServer / headroom)),
    "",
    `${servers} × ${shown(perServer)} cores ÷ ${headroom}, whole ones`,
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
  const redis = ledger.put(
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
    (redis * cost("redisBaseMiB") * MIB + members * cost("presenceMemberBytes") * (1 + redisReplicas)) / GIB,
    "GiB",
    `${redis} × ${cost("redisBaseMiB")} MiB + ${shown(members)} members × ${cost("presenceMemberBytes")} bytes × ${1 + redisReplicas}`,
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
    (ledger.of("deliveries") * frame * 8) / 1_000_000,
    "Mbit/s",
    `${shown(ledger.of("deliveries"))} × ${frame} bytes × 8`,
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
