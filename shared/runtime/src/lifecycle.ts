import type { Logger } from "./log.js";

/** Anything long-lived. `stop` finishes what is under way, gives everything back, and is safe to call once. */
export interface Service {
  stop(): Promise<void>;
}

/** What has not stopped by then does not; a gateway with many connections may ask for longer. */
export const STOP_DEADLINE_MS = 15_000;

/**
 * Runs one process: starts it, waits for SIGTERM or SIGINT (or, if asked, the end of standard input), stops
 * it, and exits with 0, also in the midst of its start. A start that fails, an exception nobody caught or a stop that hangs exits with 1.
 */
export async function runProcess(
  log: Logger,
  { exitWithStdin, stopWithinMs = STOP_DEADLINE_MS }: { exitWithStdin: boolean; stopWithinMs?: number },
  start: () => Promise<Service>,
): Promise<void> {
  const fatal = (error: unknown, what: string) => {
    log.fatal({ err: error }, what);
    process.exit(1);
  };
  process.on("uncaughtException", (error) => fatal(error, "uncaught exception"));
  process.on("unhandledRejection", (error) => fatal(error, "unhandled rejection"));

  const asked = new Promise<string>((resolve) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    process.once("SIGINT", () => resolve("SIGINT"));
    if (exitWithStdin) {
      process.stdin.once("end", () => resolve("end of standard input"));
      process.stdin.once("error", () => resolve("end of standard input"));
      process.stdin.resume();
    }
  });

  let service: Service | undefined;
  try {
    service = await Promise.race([start(), asked.then(() => undefined)]);
  } catch (error) {
    return fatal(error, "could not start");
  }
  const reason = await asked;
  if (service === undefined) {
    // What it waits for may never come. What has begun outlives no process, as after a crash.
    log.info({ reason }, "ended before it had started");
    process.exit(0);
  }
  log.info({ reason }, "stopping");
  setTimeout(() => fatal(new Error("deadline passed"), "could not stop in time"), stopWithinMs).unref();
  try {
    await service.stop();
  } catch (error) {
    return fatal(error, "could not stop cleanly");
  }
  log.info("stopped");
  process.exit(0);
}
