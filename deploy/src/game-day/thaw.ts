/**
 * Freezes one process, and thaws it again: when it is told to, when its time is over, and when whoever started this is
 * gone, in whatever way. A process of its own, so that nobody's death leaves another one frozen.
 *
 * Usage: node thaw.js <pid> <when that was started, or -> <milliseconds>
 */
import { processStart } from "../launcher/process-start.js";

const [pid, startedAt, forMs] = process.argv.slice(2);
const victim = Number(pid);

/** A pid alone may by now be somebody else's. */
const isSame = () => startedAt === "-" || processStart(victim) === startedAt;

function signal(name: NodeJS.Signals): void {
  try {
    if (isSame()) process.kill(victim, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function thaw(): void {
  signal("SIGCONT");
  process.exit(0);
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, thaw);
process.once("disconnect", thaw);
setTimeout(thaw, Number(forMs));
signal("SIGSTOP");
process.send?.({ frozen: true });
