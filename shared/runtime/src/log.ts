import { type Logger, pino } from "pino";

export type { Logger } from "pino";

/**
 * The process's logger: one JSON line per entry on standard output.
 *
 * Message bodies and tokens are never passed to it; the redaction below is the second line of defence.
 */
export function createLogger(kind: string, id: string, level: string): Logger {
  // Written at once: what is kept for later is flushed at the exit, where the library tries for ever if nobody reads
  // standard output any more, and a process whose launcher was killed would stay with its port.
  const output = pino.destination({ fd: process.stdout.fd, sync: true });
  const options = {
    level,
    base: { kind, id, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: ["token", "*.token", "data", "*.data", "authorization", "*.authorization"],
      censor: "…",
    },
  };
  return pino(options, output);
}
