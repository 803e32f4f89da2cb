/** Three NATS servers that know each other, each of which may be killed and started again with what it had. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@plexus/runtime";
import { plainNats } from "./nats.js";
import { until } from "./wait.js";

const SERVERS = 3;
const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;

export class NatsCluster {
  readonly #folder = mkdtempSync(join(tmpdir(), "plexus-nats-"));
  readonly #servers: Array<{ name: string; port: number; process?: ChildProcess }> = [];

  /** Resolves once a leader keeps the books of all streams. */
  async start(): Promise<void> {
    const ports: Array<{ client: number; route: number }> = [];
    for (let i = 0; i < SERVERS; i++) ports.push({ client: await freePort(), route: await freePort() });
    const routes = ports.map(({ route }) => `"nats://127.0.0.1:${route}"`).join(", ");
    for (const [i, { client, route }] of ports.entries()) {
      const name = `n${i + 1}`;
      const data = join(this.#folder, name);
      mkdirSync(data);
      writeFileSync(
        `${data}.conf`,
        `server_name: "${name}"
listen: "127.0.0.1:${client}"
max_payload: 1MB
jetstream { store_dir: "${data}" }
cluster { name: "plexus", listen: "127.0.0.1:${route}", routes: [ ${routes} ] }
`,
      );
      this.#servers.push({ name, port: client });
    }
    for (const { name } of this.#servers) this.run(name);
    await this.ready();
  }

  /** All of them: clients go on with whichever is there. */
  get url(): string {
    return this.#servers.map(({ port }) => `nats://127.0.0.1:${port}`).join(",");
  }

  get names(): string[] {
    return this.#servers.map(({ name }) => name);
  }

  run(name: string): void {
    const env = { ...process.env, PATH };
    this.#server(name).process = spawn("nats-server", ["-c", join(this.#folder, `${name}.conf`)], {
      stdio: "ignore",
      env,
    });
  }

  async kill(name: string): Promise<void> {
    const child = this.#server(name).process!;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Streams can be made and read. */
  async ready(): Promise<void> {
    await until(
      "the servers have a leader",
      async () => {
        const nats = await plainNats(this.url).catch(() => undefined);
        const answer = await nats?.request("$JS.API.INFO", "", { timeout: 1_000 }).catch(() => undefined);
        await nats?.close();
        return answer !== undefined && (answer.json() as { error?: object }).error === undefined;
      },
      30_000,
    );
  }

  async stop(): Promise<void> {
    for (const { name, process } of this.#servers)
      if (process !== undefined && process.exitCode === null && process.signalCode === null)
        await this.kill(name);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #server(name: string) {
    return this.#servers.find((server) => server.name === name)!;
  }
}
