/** Every client's network, as a process: a way of its own to the server, which is away by schedule. */

import { answerParent } from "../harness/child.js";
import { FaultProxy } from "../harness/fault-proxy.js";
import { DROP_MS, type Drop } from "./schedule.js";

const networks: FaultProxy[] = [];

function drop(network: FaultProxy): void {
  network.refuse(true);
  network.cut();
  setTimeout(() => network.heal(), DROP_MS);
}

answerParent({
  /** Returns the ports, one for each client. */
  open: async ({ port, clients }: { port: number; clients: number }): Promise<number[]> => {
    for (let i = 0; i < clients; i++) networks.push(await FaultProxy.listen({ host: "127.0.0.1", port }));
    return networks.map((network) => network.port);
  },
  /** Answers when the last drop is over. */
  run: async (drops: readonly Drop[]): Promise<void> => {
    for (const { client, atMs } of drops) setTimeout(() => drop(networks[client]!), atMs);
    const endMs = drops.length === 0 ? 0 : drops.at(-1)!.atMs + DROP_MS;
    await new Promise((resolve) => setTimeout(resolve, endMs));
  },
});
