/** What programs that try Plexus have in common: their arguments, Ctrl-C, and an exit code that says how it went. */

/** @param read gives what is to be done, or undefined where that was only to show the help; throws what a person reads */
export async function runProgram<Line extends { json: boolean }>(
  read: (args: string[]) => Line | undefined,
  run: (line: Line, say: (text: string) => void, ended: AbortSignal) => Promise<{ ok: boolean }>,
  show: (report: never) => string = (report) => JSON.stringify(report, null, 2),
): Promise<void> {
  let line: Line | undefined;
  try {
    line = read(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
  }
  if (line === undefined) return;
  const { json } = line;
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => ended.abort());
  try {
    const report = await run(line, (text) => json || console.log(text), ended.signal);
    console.log(json ? JSON.stringify(report) : show(report as never));
    process.exitCode = report.ok ? 0 : 1;
  } catch (error) {
    console.error(ended.signal.aborted ? "interrupted" : error);
    process.exit(1); // what was interrupted may still wait for something
  }
}
