/** What a region's users do at the peak; pure. */
import type { PlanInputs } from "./inputs.js";
import { cost, type Ledger, shown } from "./quantities.js";

const SECONDS_PER_DAY = 86_400;
const US_PER_S = 1_000_000;

/** Who is there at the peak, and where. */
export function people(ledger: Ledger, inputs: PlanInputs, share: number): void {
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
export function messages(ledger: Ledger, inputs: PlanInputs): void {
  const { messagesPerUserPerDay, peakFactor } = inputs;
  const [users, online] = [ledger.of("users"), ledger.of("online")];
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
}

/** Who comes and goes, and who is told. */
export function presence(ledger: Ledger, inputs: PlanInputs, share: number): void {
  const { channelsPerUser, presenceShare, sessionMinutes } = inputs;
  const [connections, online] = [ledger.of("connections"), ledger.of("online")];
  const arrivals = ledger.put(
    "arrivals",
    "connections that come",
    connections / (sessionMinutes * 60),
    "1/s",
    `${shown(connections)} ÷ ${shown(sessionMinutes)} min`,
  );
  const joins = inputs.joinsPerSecond * share;
  const changes = ledger.put(
    "presenceChanges",
    "members that come or go",
    2 * (arrivals * channelsPerUser * presenceShare + joins),
    "1/s",
    `2 × (${shown(arrivals)} × ${shown(channelsPerUser)} channels × ${shown(presenceShare)} + ${shown(joins)} joins)`,
  );
  ledger.put(
    "presenceDeliveries",
    "presence events delivered",
    changes * online * presenceShare,
    "1/s",
    `${shown(changes)} × ${shown(online)} × ${shown(presenceShare)}`,
  );
}

/** Pages of the past that are read: the newest from memory, others by a search in the log. */
export function history(
  ledger: Ledger,
  { historyReadsPerSecond, deepShare }: PlanInputs,
  share: number,
): void {
  const reads = ledger.put(
    "historyReads",
    "pages of history that are read",
    historyReadsPerSecond * share,
    "1/s",
    `${shown(historyReadsPerSecond)} × ${shown(share)}`,
  );
  const parts = [
    ["Gateway", "gateways'", "historyGatewayUs", "deepGatewayUs"],
    ["Worker", "workers'", "historyWorkerUs", "deepWorkerUs"],
    ["Nats", "NATS servers'", "historyNatsUs", "deepNatsUs"],
  ] as const;
  for (const [id, whose, newest, deep] of parts)
    ledger.put(
      `history${id}Cores`,
      `${whose} CPU for history`,
      (reads * ((1 - deepShare) * cost(newest) + deepShare * cost(deep))) / US_PER_S,
      "cores",
      `${shown(reads)} × (${shown(1 - deepShare)} × ${cost(newest)} µs + ${shown(deepShare)} × ${cost(deep)} µs)`,
      [newest, deep],
    );
}
