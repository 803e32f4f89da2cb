/** Who may log in to the NATS server that the launcher runs: kept up to date from the list of bots. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BotRegistry, connectNats, createLogger, patiently } from "@plexus/runtime";
import { brokerAuthorization } from "../bots/authorization.js";
import { writeFileAtomically } from "./files.js";

const FILE = "bots.conf";

/**
 * What the server's configuration includes: bots that log in have their own permissions and no more, everybody else
 * (on loopback) may do everything. Made where it is missing; what was known last is there from the start.
 */
export function botAccessFile(folder: string): string {
  const path = join(folder, FILE);
  if (!existsSync(path)) writeFileAtomically(path, brokerAuthorization([], { open: true }));
  return FILE;
}

export class BotAccess {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  /** `reload` has the server read its configuration again. */
  constructor(context: {
    natsUrl: string;
    folder: string;
    reload: () => void;
    failed: (error: unknown) => void;
  }) {
    this.#running = this.#run(context).catch(context.failed);
  }

  /** Before the server is stopped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run({ natsUrl, folder, reload }: { natsUrl: string; folder: string; reload: () => void }) {
    const { signal } = this.#stopping;
    const log = createLogger("launcher", "bots", "fatal");
    const nats = await connectNats(natsUrl, "launcher", log);
    const stopped = new Promise<undefined>((resolve) => {
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
      if (signal.aborted) resolve(undefined);
    });
    const opened = patiently("bots", () => BotRegistry.open(nats, log), log);
    const registry = await Promise.race([opened, stopped]);
    if (registry !== undefined) {
      const path = join(folder, FILE);
      const update = () => {
        const text = brokerAuthorization(registry.bots, { open: true });
        if (readFileSync(path, "utf8") === text) return;
        writeFileAtomically(path, text);
        reload();
      };
      update();
      registry.onChange(update);
      await stopped;
      registry.stop();
    }
    await nats.close();
  }
}
