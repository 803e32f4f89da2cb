/** Processes that die or stand still. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ClusterProcess } from "@plexus/deploy/launcher";
import type { World } from "../world.js";
import type { Fault } from "./fault.js";

type Kind = ClusterProcess["kind"];

/** Killed with SIGKILL, and started again at the end. */
function killed(kind: Kind, between?: (world: World, victim: ClusterProcess) => void): Fault["begin"] {
  return async (world, chance) => {
    const victim = world.take(kind, chance);
    if (victim === undefined) return undefined;
    await world.stage.end(victim, "SIGKILL");
    const end = async () => {
      between?.(world, victim);
      await world.stage.revive(victim);
      world.release(victim.id);
    };
    return { target: victim.id, end };
  };
}

/** Stopped with SIGSTOP: its connections stay open, and it knows nothing of what happens meanwhile. */
function frozen(kind: Kind): Fault["begin"] {
  return async (world, chance) => {
    const victim = world.take(kind, chance);
    if (victim === undefined) return undefined;
    victim.kill("SIGSTOP");
    const end = async () => {
      victim.kill("SIGCONT");
      world.release(victim.id);
    };
    return { target: victim.id, end };
  };
}

function removeData({ stage }: World, { id }: ClusterProcess): void {
  const folder = join(stage.dataDir, id);
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}

export const PROCESS_FAULTS = {
  "worker-kill": { doc: "a worker is killed", lastsMs: [500, 4_000], begin: killed("worker") },
  "worker-freeze": {
    doc: "a worker stands still past the start of its successor, and goes on",
    lastsMs: [2_500, 6_000],
    begin: frozen("worker"),
  },
  "gateway-kill": { doc: "a gateway is killed", lastsMs: [500, 4_000], begin: killed("gateway") },
  "gateway-freeze": { doc: "a gateway stands still", lastsMs: [1_000, 6_000], begin: frozen("gateway") },
  "admin-kill": { doc: "the admin process is killed", lastsMs: [500, 4_000], begin: killed("admin") },
  "nats-kill": {
    doc: "a NATS server (the hub, or a cell's) is killed and started again with its data",
    lastsMs: [300, 3_000],
    begin: killed("nats"),
  },
  "nats-freeze": { doc: "a NATS server stands still", lastsMs: [500, 4_000], begin: frozen("nats") },
  "redis-kill": {
    doc: "a Redis is killed and started again with its data",
    lastsMs: [500, 4_000],
    begin: killed("redis"),
  },
  "redis-empty": {
    doc: "a Redis is killed and started again empty",
    lastsMs: [500, 4_000],
    begin: killed("redis", removeData),
  },
  "redis-freeze": { doc: "a Redis stands still", lastsMs: [1_000, 5_000], begin: frozen("redis") },
} satisfies Record<string, Fault>;
