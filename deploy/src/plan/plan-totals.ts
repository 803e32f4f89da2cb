/** What regions' figures add up to. */
export const SUMMED = [
  "users",
  "connections",
  "channels",
  "publishes",
  "deliveries",
  "cells",
  "gateways",
  "gatewayCores",
  "gatewayMemory",
  "workers",
  "workerCores",
  "workerMemory",
  "natsServers",
  "natsCores",
  "natsCoresAsked",
  "natsMemory",
  "redisCores",
  "redisServers",
  "redisMemory",
  "storage",
  "egressPeak",
  "egressMonth",
] as const;
/** What there is once, for all regions. */
export const OF_HUB = [
  "hubServers",
  "hubCores",
  "hubCoresAsked",
  "hubMemory",
  "hooksCores",
  "controlProcesses",
  "controlMemory",
] as const;
export type Total = (typeof SUMMED)[number] | (typeof OF_HUB)[number];
