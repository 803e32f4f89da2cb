import { Gauge } from "prom-client";

/** What a process holds at most, so that rules and dashboards can say how full it is, whatever it was configured with. */
export const bound = new Gauge({
  name: "plexus_bound",
  help: "The most that this process holds: connections, relays (gateway), actors (worker)",
  labelNames: ["bound"],
});
