/** Where chaos takes place: a cluster whose connections all lead through proxies that can impair them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterProcess } from "@plexus/deploy/launcher";
import type { DrillOptions } from "../drill/options.js";
import { Stage } from "../drill/stage.js";
import { FaultProxy } from "../harness/fault-proxy.js";
import type { Seeded } from "../harness/seeded.js";
import { BUGS, type BugName } from "./bugs/names.js";

const PRELOAD = { clock: new URL("clock.js", import.meta.url), bugs: new URL("bugs/", import.meta.url) };

/** A connection of this process to this broker. */
export interface BrokerLink {
  readonly process: string;
  readonly broker: "nats" | "redis";
  readonly proxy: FaultProxy;
}

export class World {
  readonly stage: Stage;
  /** Between clients and gateways. */
  readonly clients: FaultProxy;
  readonly links: readonly BrokerLink[];
  readonly #busy = new Set<string>();
  readonly #clocks: Record<string, number> = {};
  readonly #clockFile: string;

  private constructor(stage: Stage, clients: FaultProxy, links: readonly BrokerLink[], clockFile: string) {
    this.stage = stage;
    this.clients = clients;
    this.links = links;
    this.#clockFile = clockFile;
  }

  static async start(
    options: DrillOptions & { data: string },
    say: (line: string) => void,
    interrupted?: AbortSignal,
    bug?: BugName,
  ): Promise<World> {
    const links: BrokerLink[] = [];
    const clockFile = join(options.data, "clocks.json");
    mkdirSync(options.data, { recursive: true });
    writeFileSync(clockFile, "{}");
    const preload = (...modules: URL[]) => ({
      NODE_OPTIONS: modules.map(({ href }) => `--import ${href}`).join(" "),
      CHAOS_CLOCK_FILE: clockFile,
    });
    const bugs = bug === undefined ? [] : [new URL(BUGS[bug].module, PRELOAD.bugs)];
    const through = async (process: string, url: string) => {
      const { protocol, hostname: host, port } = new URL(url);
      const proxy = await FaultProxy.listen({ host, port: Number(port) });
      links.push({ process, broker: protocol === "nats:" ? "nats" : "redis", proxy });
      return `${protocol}//127.0.0.1:${proxy.port}`;
    };
    try {
      const stage = await Stage.start(options, say, interrupted, {
        workerEnv: preload(PRELOAD.clock, ...bugs),
        gatewayEnv: preload(PRELOAD.clock),
        through,
      });
      const { hostname: host, port } = new URL(stage.cluster.dev.url);
      const clients = await FaultProxy.listen({ host, port: Number(port) });
      return new World(stage, clients, links, clockFile);
    } catch (error) {
      for (const { proxy } of links) proxy.close();
      throw error;
    }
  }

  /** Where clients connect to. */
  get url(): string {
    const url = new URL(this.stage.url);
    url.port = String(this.clients.port);
    return url.href;
  }

  /** A process of that kind which no other fault has hold of, to be given back with {@link release}. */
  take(kind: ClusterProcess["kind"], chance: Seeded): ClusterProcess | undefined {
    const free = this.stage.cluster.processes.filter((it) => it.kind === kind && !this.#busy.has(it.id));
    if (free.length === 0) return undefined;
    const taken = chance.pick(free);
    this.#busy.add(taken.id);
    return taken;
  }

  /** The same for anything else that has a name. False: another fault has it. */
  reserve(name: string): boolean {
    if (this.#busy.has(name)) return false;
    this.#busy.add(name);
    return true;
  }

  release(name: string): void {
    this.#busy.delete(name);
  }

  /** From now on this process reads its wall clock so many milliseconds late or early. */
  setClock(process: string, offsetMs: number): void {
    this.#clocks[process] = offsetMs;
    writeFileSync(this.#clockFile, JSON.stringify(this.#clocks));
  }

  healNetwork(): void {
    for (const proxy of this.#proxies) proxy.heal();
  }

  async stop(): Promise<void> {
    this.healNetwork();
    await this.stage.stop();
    for (const proxy of this.#proxies) proxy.close();
  }

  get #proxies(): FaultProxy[] {
    return [this.clients, ...this.links.map(({ proxy }) => proxy)];
  }
}
