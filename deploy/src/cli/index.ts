/** What the command line can do: declared once, for it and for what holds the documents against it. */
export type { Terminal } from "./command.js";
export { GLOBAL } from "./option-table.js";
export { COMMANDS, runCli } from "./run.js";
