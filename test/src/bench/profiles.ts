/** CPU profiles of Plexus' gateways and workers, from their start to their end, drawn as flame graphs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ENTRIES } from "@plexus/deploy/launcher";
import { type CpuProfile, flameOf } from "./flame.js";
import type { PlexusShape } from "./sides.js";

const PROFILED = fileURLToPath(new URL("./servers/profiled.js", import.meta.url));
const KINDS = ["gateway", "worker"] as const;

export class Profiles {
  readonly #into: string;
  readonly #bench: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "plexus-profiles-"));

  /** @param into folder for the flame graphs */
  constructor(into: string, bench: string) {
    this.#into = into;
    this.#bench = bench;
  }

  /** The same processes with a profiler in them. */
  in(shape: PlexusShape): PlexusShape {
    const env = (kind: (typeof KINDS)[number]) => ({
      PROFILED_PROGRAM: ENTRIES[kind],
      PROFILE_FILE: join(this.#folder, kind),
    });
    return {
      ...shape,
      gatewayEnv: { ...shape.gatewayEnv, ...env("gateway") },
      workerEnv: { ...shape.workerEnv, ...env("worker") },
      entries: { gateway: PROFILED, worker: PROFILED },
    };
  }

  /** Draws what was written when the processes ended: the longest profile of each kind. */
  draw(): void {
    for (const kind of KINDS) {
      const files = readdirSync(this.#folder).filter((file) => file.startsWith(`${kind}.`));
      const profiles = files.map((file) => readFileSync(join(this.#folder, file), "utf8"));
      const longest = profiles.sort((a, b) => b.length - a.length)[0];
      if (longest === undefined) continue;
      const svg = flameOf(JSON.parse(longest) as CpuProfile, `${this.#bench}, ${kind}`);
      writeFileSync(join(this.#into, `flame-${this.#bench}-${kind}.svg`), svg);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
