/** Whether the cells of a cluster that has just started are done with joining: until then every other change is refused. */
import { createLogger, type Directory, DirectoryStore } from "@plexus/runtime";
import { connectUnless } from "./nats.js";

/** New cells join within a second or two. What was under way when the cluster was stopped may take longer. */
const SETTLE_WITHIN_MS = 10_000;

/** What is still going on, in words for a person; undefined: nothing, so that a cell may be drained, say. */
export function underWay({ cells, operation }: Directory): string | undefined {
  if (operation) return `operation ${operation} is still under way`;
  const joining = cells.filter(({ state }) => state === "joining").map(({ id }) => id);
  return joining.length === 0 ? undefined : `${joining.join(", ")}: still joining`;
}

/** Resolves once nothing is under way, or after a while with what still is. `seedFile`: with the seed of the nkey to log in with. */
export async function untilSettled(
  natsUrl: string,
  stopped: AbortSignal,
  { withinMs = SETTLE_WITHIN_MS, seedFile }: { withinMs?: number; seedFile?: string | undefined } = {},
): Promise<string | undefined> {
  const over = AbortSignal.any([stopped, AbortSignal.timeout(withinMs)]);
  const log = createLogger("launcher", "directory", "fatal");
  const nats = await connectUnless(over, natsUrl, log, seedFile);
  if (nats === undefined) return "the directory can't be read";
  try {
    const directory = await DirectoryStore.open(nats, log);
    await new Promise<void>((resolve) => {
      const look = () => (over.aborted || underWay(directory.current) === undefined) && resolve();
      directory.onChange(look);
      over.addEventListener("abort", look, { once: true });
      look();
    });
    directory.stop();
    return underWay(directory.current);
  } finally {
    await nats.close();
  }
}
