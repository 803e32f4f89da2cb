import { createLogger, readOptions, runProcess } from "@plexus/runtime";
import { startAdmin } from "./admin.js";
import { policyOf } from "./advice/options.js";
import { exposure } from "./exposure.js";
import { adminOptions } from "./options.js";

try {
  const options = readOptions(adminOptions, process.env);
  const tls = exposure(options);
  const policy = policyOf(options);
  const log = createLogger("admin", "admin", options.logLevel);
  await runProcess(log, options, () => startAdmin(options, log, policy, tls));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
