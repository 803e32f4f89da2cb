/** A process's JSON log line as a person would like to read it in a terminal; any other line as it is. */
export function readableLine(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const { time = "", level = "", msg = "", err } = entry;
  const reason = err?.message ? `: ${err.message}` : "";
  return `${time.slice(11, 19)} ${level.padEnd(5)} ${msg}${reason}`.trim();
}

interface LogEntry {
  time?: string;
  level?: string;
  msg?: string;
  err?: { message?: string };
}

function parse(line: string): LogEntry | undefined {
  if (!line.startsWith('{"')) return undefined;
  try {
    return JSON.parse(line) as LogEntry;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
