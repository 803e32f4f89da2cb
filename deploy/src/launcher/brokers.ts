/** Configuration of the brokers that the launcher starts, and how one sees that they serve. */
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { findProgram } from "../../setup/find-program.mjs";
import { botAccessFile } from "./bot-access.js";
import type { ChildSpec } from "./child.js";
import { ClusterError } from "./errors.js";
import type { BrokerPlan } from "./topology.js";

/** Must hold a record of a whole group commit; gateways and workers bound theirs below it. */
const MAX_PAYLOAD = "1MB";
/** A receiver that does not read for so long is cut off by NATS; it reconnects and repairs. */
const WRITE_DEADLINE = "10s";
/** All streams here are on disk; memory is for the library's own few ephemeral ones. */
const JETSTREAM_MEMORY = "256MB";
/** When the logs of all cells fill this, appends fail visibly, before the disk is full. */
const JETSTREAM_DISK = "20GB";
/** Presence of some millions of connections; when it is full, writes fail and presence says that it is stale. */
const REDIS_MEMORY = "512mb";

const PROBE_DEADLINE_MS = 1_000;
const DEFAULT_PORTS = { nats: 4222, redis: 6379 };

/** Writes the broker's configuration into the data folder and tells how to run it. */
export function brokerSpec(plan: BrokerPlan, folder: string): ChildSpec {
  const data = join(folder, plan.id);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const config = join(folder, `${plan.id}.conf`);
  writeFileSync(config, plan.kind === "nats" ? natsConfig(plan, data, folder) : redisConfig(plan, data), {
    mode: 0o600,
  });
  const command =
    plan.kind === "nats" ? [program("nats-server"), "-c", config] : [program("redis-server"), config];
  const shared = { command, env: {}, opsUrl: null, leashed: true };
  const { kind, id, cell } = plan;
  return cell === undefined ? { kind, id, ...shared } : { kind, id, cell, ...shared };
}

// Without `http` there is no monitoring port, and without `websocket` no listener for browsers: only what listens on
// loopback is ever opened. Strings are quoted as JSON, which both formats read. Bots come to the server that all share.
function natsConfig(plan: BrokerPlan, data: string, folder: string): string {
  return `server_name: ${JSON.stringify(`plexus-${plan.id}`)}
listen: "127.0.0.1:${plan.port}"
max_payload: ${MAX_PAYLOAD}
write_deadline: "${WRITE_DEADLINE}"
jetstream {
  store_dir: ${JSON.stringify(data)}
  max_mem: ${JETSTREAM_MEMORY}
  max_file: ${JETSTREAM_DISK}
${plan.domain === undefined ? "" : `  domain: ${JSON.stringify(plan.domain)}\n`}}
${leafConfig(plan)}${plan.cell === undefined ? `include ${JSON.stringify(botAccessFile(folder))}\n` : ""}`;
}

function leafConfig({ leafPort, hubLeafPort }: BrokerPlan): string {
  if (leafPort !== undefined) return `leafnodes { listen: "127.0.0.1:${leafPort}" }\n`;
  if (hubLeafPort === undefined) return "";
  return `leafnodes {
  reconnect: 1
  remotes: [ { url: "nats://127.0.0.1:${hubLeafPort}" } ]
}
`;
}

// The append-only file alone: presence can be rebuilt, so a second of it may be lost, and snapshots would only cost.
function redisConfig(plan: BrokerPlan, data: string): string {
  return `bind 127.0.0.1
port ${plan.port}
dir ${JSON.stringify(data)}
daemonize no
loglevel notice
appendonly yes
appendfsync everysec
save ""
maxmemory ${REDIS_MEMORY}
maxmemory-policy noeviction
`;
}

function program(name: string): string {
  const path = findProgram([name]);
  if (path === undefined)
    throw new ClusterError(`${name} is not installed (npm start installs it where it can)`);
  return path;
}

/** Whether the broker answers as one that serves; a Redis that still loads its file does not. */
export async function brokerAnswers(kind: BrokerPlan["kind"], url: string): Promise<boolean> {
  const answer = await firstAnswer(addressOf(kind, url), kind === "redis" ? "PING\r\n" : "");
  return kind === "nats" ? answer.startsWith("INFO ") : answer.startsWith("+PONG");
}

/** Whether anything accepts connections at the address of a broker that is not ours: all that can be asked without its password. */
export async function brokerAccepts(kind: BrokerPlan["kind"], url: string): Promise<boolean> {
  const socket = connect({ ...addressOf(kind, url), timeout: PROBE_DEADLINE_MS });
  return await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    for (const failure of ["timeout", "error"]) socket.once(failure, () => resolve(false));
  }).finally(() => socket.destroy());
}

/** What names a broker that runs already. */
export const BROKER_VARIABLES = { nats: "NATS_URL", redis: "REDIS_URL" } as const;

/** Of a URL, or of the first of several with commas in between. */
export function addressOf(kind: BrokerPlan["kind"], url: string): { host: string; port: number } {
  const first = url.split(",")[0] ?? "";
  const parsed = URL.canParse(first) ? new URL(first) : undefined;
  if (!parsed?.hostname)
    throw new ClusterError(`The address in ${BROKER_VARIABLES[kind]} must be like ${kind}://host:port`);
  return { host: parsed.hostname, port: Number(parsed.port || DEFAULT_PORTS[kind]) };
}

/** Empty where there is none in time. */
function firstAnswer(address: { host: string; port: number }, question: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: PROBE_DEADLINE_MS });
    const end = (answer = "") => {
      resolve(answer);
      socket.destroy();
    };
    socket.once("connect", () => socket.write(question));
    socket.once("data", (data) => end(data.toString("latin1")));
    socket.once("timeout", () => end());
    socket.once("error", () => end());
    socket.once("close", () => end());
  });
}
