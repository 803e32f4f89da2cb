/** Who may log in to the NATS server that the launcher runs: kept up to date from the list of bots. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BotRegistry, createLogger, type Logger, type NatsConnection } from "@plexus/runtime";
import { brokerAuthorization } from "../bots/authorization.js";
import { writeFileAtomically } from "./files.js";
import { connectUnless } from "./nats.js";

const FILE = "bots.conf";
const RETRY_WAIT_MS = 500;

/**
 * What the server's configuration includes: bots that log in have their own permissions and no more, everybody else
 * (on loopback) may do everything. Made where it is missing; what was known last is there from the start.
 */
export function botAccessFile(folder: string): string {
  const path = join(folder, FILE);
  if (!existsSync(path)) writeFileAtomically(path, brokerAuthorization([], { open: true }));
  return FILE;
}

interface Context {
  natsUrl: string;
  folder: string;
  /** Has the server read its configuration again. */
  reload: () => void;
  failed: (error: unknown) => void;
}

export class BotAccess {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(context: Context) {
    this.#running = this.#run(context).catch(context.failed);
  }

  /** Before the server is stopped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(context: Context): Promise<void> {
    const { signal } = this.#stopping;
    const stopped = new Promise<undefined>((resolve) => {
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    const log = createLogger("launcher", "bots", "fatal");
    const nats = await connectUnless(signal, context.natsUrl, log);
    if (nats === undefined) return;
    const registry = await Promise.race([openRegistry(nats, log, signal), stopped]);
    if (registry !== undefined) {
      const update = () => writeAccess(registry, context);
      update();
      registry.onChange(update);
      await stopped;
      registry.stop();
    }
    await nats.close();
  }
}

/** Tries until it is there; undefined where it was stopped first. */
async function openRegistry(
  nats: NatsConnection,
  log: Logger,
  signal: AbortSignal,
): Promise<BotRegistry | undefined> {
  while (!signal.aborted) {
    try {
      const registry = await BotRegistry.open(nats, log);
      if (!signal.aborted) return registry;
      registry.stop();
    } catch (error) {
      log.debug({ err: error }, "the list of bots can't be read yet");
      await pause(RETRY_WAIT_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

function writeAccess(registry: BotRegistry, { folder, reload, failed }: Context): void {
  const path = join(folder, FILE);
  const text = brokerAuthorization(registry.bots, { open: true });
  try {
    if (existsSync(path) && readFileSync(path, "utf8") === text) return;
    writeFileAtomically(path, text);
    reload();
  } catch (error) {
    failed(error);
  }
}
