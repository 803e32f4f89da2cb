import { Counter, Gauge } from "prom-client";

/** What a process holds at most, so that rules and dashboards can say how full it is, whatever it was configured with. */
export const bound = new Gauge({
  name: "plexus_bound",
  help: "The most that this process holds: connections, relays (gateway), actors (worker), and what may wait in queues",
  labelNames: ["bound"],
});

export const boundReached = new Counter({
  name: "plexus_bound_reached_total",
  help: "Times that something was refused, dropped or closed because a bound was reached, by bound",
  labelNames: ["bound"],
});

/** By queue; of some there are several in a process. */
const queues = new Map<string, Set<() => number>>();

new Gauge({
  name: "plexus_waiting",
  help: "What waits in this process's queues, under the names of their bounds (plexus_bound)",
  labelNames: ["bound"],
  collect() {
    for (const [name, measured] of queues)
      this.set(
        { bound: name },
        [...measured].reduce((sum, waiting) => sum + waiting(), 0),
      );
  },
});

/** Has a queue measured whenever metrics are asked for; returns how to end that. */
export function measureQueue(name: string, most: number, waiting: () => number): () => void {
  bound.set({ bound: name }, most);
  const known = queues.get(name) ?? new Set();
  queues.set(name, known.add(waiting));
  return () => known.delete(waiting);
}
