import { createRequire } from "node:module";
import { type Command, show } from "../command.js";

export const version: Command = {
  name: "version",
  args: [],
  options: [],
  summary: "which version this command line is of; also --version",
  examples: ["plexus version"],
  run: async (context) => {
    const own = createRequire(import.meta.url)("../../../package.json") as { version: string };
    const { version: node } = process;
    return show(context, { plexus: own.version, node }, () => [`plexus ${own.version} (Node ${node})`]);
  },
};
