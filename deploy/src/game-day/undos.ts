/**
 * What has to be undone if a game day ends now: kept in a file from before each fault begins, so that `plexus game-day stop`
 * can do it even where the game day itself is gone.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { processStart } from "../launcher/process-start.js";

const undoSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("thaw"),
    pid: z.number().int(),
    startedAt: z.string().nullable(),
    what: z.string(),
  }),
  z.strictObject({ kind: z.literal("activate"), cell: z.string(), what: z.string() }),
]);
export type Undo = z.infer<typeof undoSchema>;

const stateSchema = z.strictObject({
  installation: z.string(),
  pid: z.number().int(),
  /** When that process was started: its pid alone may by now be another's. */
  startedAt: z.string().nullable(),
  undos: z.array(undoSchema),
});
export type GameDayState = z.infer<typeof stateSchema>;

/** One file for each installation and user of this machine. */
export function stateFile(installation: string, env: NodeJS.ProcessEnv): string {
  const base = env.XDG_STATE_HOME || join(env.HOME || homedir(), ".local", "state");
  return join(base, "plexus", `game-day-${installation.replace(/[^A-Za-z0-9.-]/g, "_")}.json`);
}

/** Undefined where there is none. */
export function readState(file: string): GameDayState | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether the process that wrote the state still runs. */
export function isRunning({ pid, startedAt }: GameDayState): boolean {
  const now = processStart(pid);
  return now !== null && (startedAt === null || startedAt === now);
}

export class Undos {
  readonly #file: string;
  #state: GameDayState;

  constructor(file: string, installation: string) {
    this.#file = file;
    this.#state = { installation, pid: process.pid, startedAt: processStart(process.pid), undos: [] };
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.#write();
  }

  get open(): readonly Undo[] {
    return this.#state.undos;
  }

  add(undo: Undo): Undo {
    this.#state = { ...this.#state, undos: [...this.#state.undos, undo] };
    this.#write();
    return undo;
  }

  done(undo: Undo): void {
    this.#state = { ...this.#state, undos: this.#state.undos.filter((one) => one !== undo) };
    this.#write();
  }

  /** Nothing is left to undo. */
  close(): void {
    rmSync(this.#file, { force: true });
  }

  #write(): void {
    const next = `${this.#file}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(this.#state)}\n`, { mode: 0o600 });
    renameSync(next, this.#file);
  }
}
