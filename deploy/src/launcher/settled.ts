/** Whether the cells of a cluster that has just started are done with joining: until then every other change is refused. */
import { connectNats, createLogger, type Directory, DirectoryStore } from "@plexus/runtime";

/** New cells join within a second or two. What was under way when the cluster was stopped may take longer. */
const SETTLE_WITHIN_MS = 10_000;

/** What is still going on, in words for a person; undefined: nothing, so that a cell may be drained, say. */
export function underWay({ cells, operation }: Directory): string | undefined {
  if (operation) return `operation ${operation} is still under way`;
  const joining = cells.filter(({ state }) => state === "joining").map(({ id }) => id);
  return joining.length === 0 ? undefined : `${joining.join(", ")}: still joining`;
}

/** Resolves once nothing is under way, or after a while with what still is. */
export async function untilSettled(
  natsUrl: string,
  stopped: AbortSignal,
  withinMs = SETTLE_WITHIN_MS,
): Promise<string | undefined> {
  const over = AbortSignal.any([stopped, AbortSignal.timeout(withinMs)]);
  const log = createLogger("launcher", "directory", "fatal");
  const connecting = connectNats(natsUrl, "launcher", log);
  const ended = new Promise<undefined>((resolve) => {
    if (over.aborted) resolve(undefined);
    else over.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const nats = await Promise.race([connecting, ended]);
  if (nats === undefined) {
    void connecting.then((late) => late.close());
    return "the directory can't be read";
  }
  try {
    const directory = await DirectoryStore.open(nats, log);
    const settled = new Promise<void>((resolve) => {
      const look = () => underWay(directory.current) === undefined && resolve();
      directory.onChange(look);
      look();
    });
    await Promise.race([settled, ended]);
    directory.stop();
    return underWay(directory.current);
  } finally {
    await nats.close();
  }
}
