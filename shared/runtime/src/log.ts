import { type Logger, pino } from "pino";

export type { Logger } from "pino";

/**
 * The process's logger: one JSON line per entry on standard output.
 *
 * Message bodies and tokens are never passed to it; the redaction below is the second line of defence.
 */
export function createLogger(kind: string, id: string, level: string): Logger {
  return pino({
    level,
    base: { kind, id, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: ["token", "*.token", "data", "*.data", "authorization", "*.authorization"],
      censor: "…",
    },
  });
}
