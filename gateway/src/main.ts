import { createLogger, readOptions, runProcess } from "@plexus/runtime";
import { checkAuthOptions } from "./auth/options.js";
import { startGateway } from "./gateway.js";
import { gatewayOptions } from "./options.js";
import { tlsOf } from "./tls.js";

try {
  const options = readOptions(gatewayOptions, process.env);
  checkAuthOptions(options);
  tlsOf(options);
  const log = createLogger("gateway", options.gatewayId, options.logLevel);
  await runProcess(log, options, () => startGateway(options, log));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
