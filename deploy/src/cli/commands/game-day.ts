/** `plexus game-day`: faults in a named installation, with a probe that checks every message, and a stop button. */
import { FAULTS } from "../../game-day/faults.js";
import type { Command } from "../command.js";

const NEEDS = {
  processes: "of npm start, on this machine",
  api: "anywhere",
  pods: "with --kubectl",
};

export const gameDay: Command = {
  name: "game-day",
  args: ["[tenant]"],
  options: [
    "installation",
    "faults",
    "steady",
    "hold",
    "rest",
    "max-pause",
    "max-time",
    "report",
    "kubectl",
    "url",
    "tokens-file",
    "yes-i-own-this-installation",
  ],
  summary: "holds a game day: one fault after the other in a named installation, every message checked",
  examples: [
    "plexus game-day   # says what would be done, and does nothing",
    "plexus game-day --installation 127.0.0.1:9080 --faults worker-kill,cell-drain --report monday",
  ],
  more: [
    "It begins only where the installation's name is typed and its state is steady. It undoes everything and ends by",
    "itself when a message is lost, doubled or out of order, or waits longer than --max-pause; and upon Ctrl-C, or",
    "`plexus game-day stop` in another terminal. Faults:",
    ...Object.entries(FAULTS).map(
      ([name, { doc, needs }]) => `  ${name.padEnd(16)} ${doc} (${NEEDS[needs]})`,
    ),
  ],
  // No other command needs what it runs, which takes longer to load than most commands take to run.
  run: async (context) => (await import("./game-day-run.js")).runGameDay(context),
};

export const gameDayStop: Command = {
  name: "game-day stop",
  args: [],
  options: [],
  summary: "ends a game day that is under way on this machine, and undoes what it did",
  examples: ["plexus game-day stop"],
  more: ["It also undoes what a game day has left that was killed itself."],
  run: async (context) => (await import("./game-day-run.js")).stopGameDay(context),
};
