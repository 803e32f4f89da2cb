import { createLogger, readOptions, runProcess } from "@plexus/runtime";
import { startHooks } from "./hooks.js";
import { hooksOptions } from "./options.js";

try {
  const options = readOptions(hooksOptions, process.env);
  const log = createLogger("hooks", "hooks", options.logLevel);
  await runProcess(log, options, () => startHooks(options, log));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
