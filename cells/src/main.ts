import { createLogger, readOptions, runProcess } from "@plexus/runtime";
import { workerOptions } from "./options.js";
import { startWorker } from "./worker.js";

try {
  const options = readOptions(workerOptions, process.env);
  const log = createLogger("worker", options.workerId, options.logLevel);
  await runProcess(log, options, () => startWorker(options, log));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
