/** Times from when something was due, as `plexus load` takes them. */
export { Latencies, openLoop } from "@plexus/deploy/load";
