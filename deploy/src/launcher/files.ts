import { renameSync, rmSync, writeFileSync } from "node:fs";

/** Replaces a file as a whole, readable by its owner only unless said otherwise: a reader sees the old content or the new, never a half. */
export function writeFileAtomically(path: string, content: string, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, { mode });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
