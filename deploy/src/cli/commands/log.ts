/** `plexus log`: a cell's log to a file, and back. */
import type { Command } from "../command.js";

export const logBackup: Command = {
  name: "log backup",
  args: ["cell", "file"],
  options: ["nats-url", "domain"],
  summary: "writes a cell's log to a file, while everything goes on",
  examples: ["plexus log backup eu-1 eu-1.log"],
  more: [
    "The file holds every message that was acknowledged before the command began. It is made under another name and",
    "gets its own once it is whole; a file that is there is never replaced. It uses NATS, not the admin API.",
  ],
  // No other command needs what it runs, which takes longer to load than most commands take to run.
  run: async (context) => (await import("./log-run.js")).runBackup(context),
};

export const logRestore: Command = {
  name: "log restore",
  args: ["cell", "file"],
  options: ["nats-url", "domain", "replace"],
  summary: "makes a cell's log anew from a file, while no worker of the cell runs",
  examples: ["plexus log restore eu-1 eu-1.log"],
  more: [
    "Nothing is changed before the file's checksum was found to be right. Channels go on in a new epoch: their past up",
    "to the backup can be read, clients that come with an older position are told `recovered: false`.",
    "What was interrupted leaves a log from which no worker serves; the same command again makes it good.",
  ],
  run: async (context) => (await import("./log-run.js")).runRestore(context),
};
