/** What the command line can do: declared once, for it and for what holds the documents against it. */
export { GLOBAL, OPTIONS } from "./args.js";
export type { Terminal } from "./command.js";
export { COMMANDS, runCli } from "./run.js";
