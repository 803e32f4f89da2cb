/** The installation that a game day is held in: what can be asked of it, and done to it. */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Static } from "typebox";
import type { CellsBody, DisconnectedBody, GatewaysBody } from "../admin/schemas.js";
import { type Api, path } from "../cli/api.js";
import { CliError, EXIT } from "../cli/errors.js";
import type { RunningProcess } from "../cli/installation.js";
import { processStart } from "../launcher/process-start.js";
import type { Undos } from "./undos.js";

const THAW = fileURLToPath(new URL("thaw.js", import.meta.url));
const KUBECTL_WITHIN_MS = 20_000;
const run = promisify(execFile);

export interface TargetOptions {
  readonly api: Api;
  /** Of this machine as they are now; none where the installation is elsewhere. */
  readonly processes: () => RunningProcess[];
  readonly undos: Undos;
  /** Tenant and user of the probe. */
  readonly tenant: string;
  readonly user: string;
  /** Where pods are deleted; undefined: none are. */
  readonly namespace: string | undefined;
  readonly random: () => number;
}

export class GameTarget {
  readonly #options: TargetOptions;

  constructor(options: TargetOptions) {
    this.#options = options;
  }

  get isLocal(): boolean {
    return this.#options.processes().length > 0;
  }
  get hasPods(): boolean {
    return this.#options.namespace !== undefined;
  }

  /** One of those that run now. */
  pick(kind: string): RunningProcess | undefined {
    return this.#oneOf(this.#options.processes().filter((process) => process.kind === kind));
  }

  pidOf(id: string): number | undefined {
    return this.#options.processes().find((process) => process.id === id)?.pid;
  }

  signal({ pid }: RunningProcess, name: NodeJS.Signals): void {
    process.kill(pid, name);
  }

  /** Frozen until the returned function is called, and for `forMs` at most. */
  async freeze({ pid, id }: RunningProcess, forMs: number): Promise<() => Promise<void>> {
    const startedAt = processStart(pid);
    const { undos } = this.#options;
    const undo = undos.add({ kind: "thaw", pid, startedAt, what: id });
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child: ChildProcess = fork(THAW, [String(pid), startedAt ?? "-", String(forMs)], {
      env,
      detached: true,
      stdio: "ignore",
    });
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    await Promise.race([new Promise((resolve) => child.once("message", resolve)), exited]);
    return async () => {
      if (child.connected) child.disconnect();
      await exited;
      undos.done(undo);
    };
  }

  cells(): Promise<Static<typeof CellsBody>> {
    return this.#options.api.get("/v1/cells");
  }
  gateways(): Promise<Static<typeof GatewaysBody>> {
    return this.#options.api.get("/v1/gateways");
  }

  async activeCell(): Promise<string | undefined> {
    const { cells } = await this.cells();
    const active = cells.filter(({ state }) => state === "active");
    return active.length < 2 ? undefined : this.#oneOf(active)?.id;
  }

  /** Drained until the returned function is called, which activates it and does not wait for the end of that. */
  async drainCell(cell: string): Promise<() => Promise<void>> {
    const { api, undos } = this.#options;
    const undo = undos.add({ kind: "activate", cell, what: cell });
    try {
      await api.post(path`/v1/cells/${cell}/drain`);
    } catch (error) {
      if (error instanceof CliError && error.exitCode === EXIT.refused) undos.done(undo);
      throw error; // of anything else nobody knows whether it has begun
    }
    return async () => {
      await api.post(path`/v1/cells/${cell}/activate`);
      undos.done(undo);
    };
  }

  async isIdle(): Promise<boolean> {
    return (await this.cells()).operation === undefined;
  }

  drainGateway(id: string): Promise<unknown> {
    return this.#options.api.post(path`/v1/gateways/${id}/drain`);
  }

  disconnectProbe(): Promise<Static<typeof DisconnectedBody>> {
    const { api, tenant, user } = this.#options;
    return api.post(path`/v1/tenants/${tenant}/users/${user}/disconnect`);
  }

  /** Deletes one pod; its Deployment or StatefulSet makes another. Returns its name. */
  async deletePod(component: string): Promise<string | undefined> {
    const label = `app.kubernetes.io/part-of=plexus,app.kubernetes.io/component=${component}`;
    const pods = (await this.#kubectl("get", "pods", "-l", label, "-o", "name")).split("\n").filter(Boolean);
    const pod = this.#oneOf(pods);
    if (pod === undefined) return undefined;
    await this.#kubectl("delete", pod, "--wait=false");
    return pod;
  }

  async #kubectl(...args: string[]): Promise<string> {
    const options = { timeout: KUBECTL_WITHIN_MS };
    return (await run("kubectl", ["--namespace", this.#options.namespace!, ...args], options)).stdout;
  }

  #oneOf<T>(some: readonly T[]): T | undefined {
    return some[Math.floor(this.#options.random() * some.length)];
  }
}
