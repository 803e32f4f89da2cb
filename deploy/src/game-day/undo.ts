/** Undoes what a game day has left, from its list. */
import { type Api, path } from "../cli/api.js";
import { processStart } from "../launcher/process-start.js";
import type { Undo } from "./undos.js";

/** Frozen processes first, since the admin API may be one of them. Returns what could not be undone, with the reason. */
export async function undoAll(undos: readonly Undo[], api: Api): Promise<string[]> {
  const failed: string[] = [];
  for (const undo of undos) if (undo.kind === "thaw") thaw(undo);
  for (const undo of undos) {
    if (undo.kind !== "activate") continue;
    try {
      await api.post(path`/v1/cells/${undo.cell}/activate`);
    } catch (error) {
      failed.push(`${undo.cell} is not activated: ${(error as Error).message}`);
    }
  }
  return failed;
}

function thaw({ pid, startedAt }: Extract<Undo, { kind: "thaw" }>): void {
  // A pid alone may by now be somebody else's.
  if (startedAt !== null && processStart(pid) !== startedAt) return;
  try {
    process.kill(pid, "SIGCONT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
