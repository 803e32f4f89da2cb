/** `plexus load`: drives an installation with a described load, and says what gave in first. */
import type { Command } from "../command.js";

export const load: Command = {
  name: "load",
  args: ["[tenant]"],
  options: [
    "url",
    "workload",
    "connections",
    "channels",
    "channels-per-connection",
    "rate",
    "bytes",
    "sources",
    "presence-share",
    "churn",
    "seconds",
    "steps",
    "ramp",
    "max-time",
    "max-errors",
    "max-p99",
    "tokens-file",
    "yes-i-own-this-installation",
  ],
  summary: "drives an installation with a described load, and says what gave in first",
  examples: [
    "plexus load --connections 200 --channels 40 --channels-per-connection 3 --rate 100 --seconds 20",
    "plexus load acme --workload team-chat.json --steps 1,2,5,10 --json",
  ],
  more: [
    "Publishes are sent when they are due, whatever became of those before, and times count from when they were due.",
    "It ends by itself: after its steps, at --max-time, when too much fails or takes too long, or when the generator",
    "itself is saturated. Ctrl-C ends it, with the report so far. What it publishes stays in channels of its own.",
    "Exit code 1: a message was lost, duplicated or misplaced, or it ended before its steps were done.",
  ],
  // No other command needs what it runs, which takes longer to load than most commands take to run.
  run: async (context) => (await import("./load-run.js")).runLoad(context),
};
