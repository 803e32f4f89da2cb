/** What a process holds: memory, open files, and the gauges that count what clients make it keep. */
import assert from "node:assert/strict";
import type { TestCluster } from "../harness/cluster.js";
import { get } from "../harness/http.js";
import { until } from "../harness/wait.js";

const MB = 1024 * 1024;
/** A relay is kept for 5 s after its last subscriber, and a handshake that does not end for about 10. */
const SETTLING_MS = 30_000;

export interface VitalSigns {
  residentMb: number;
  openFiles: number;
}

export interface Load {
  connections: number;
  channels: number;
}

/** Waits until the gateway holds nothing but what these connections need. */
export async function settled(cluster: TestCluster, load: Load): Promise<VitalSigns> {
  const wanted = { connections: load.connections, relays: load.channels, outstanding: 0 };
  let seen: object = {};
  return until(
    `the gauges to be ${JSON.stringify(wanted)}`,
    async () => {
      const metrics = await cluster.metrics("g1");
      seen = {
        connections: metrics.sum("plexus_connections"),
        relays: metrics.sum("plexus_relays"),
        outstanding: metrics.sum("plexus_router_outstanding"),
      };
      if (JSON.stringify(seen) !== JSON.stringify(wanted)) return undefined;
      return {
        residentMb: Math.round(metrics.sum("plexus_process_resident_memory_bytes") / MB),
        openFiles: metrics.sum("plexus_process_open_fds"),
      };
    },
    SETTLING_MS,
  ).catch((cause) => assert.fail(`${cause}; they are ${JSON.stringify(seen)}`));
}

export async function assertReady(cluster: TestCluster): Promise<void> {
  let said = "";
  await until("the gateway to be ready", async () => {
    const { status, body } = await get(`${cluster.process("g1").opsUrl}/readyz`);
    said = body;
    return status === 200;
  }).catch((cause) => assert.fail(`${cause}: ${said}`));
}
