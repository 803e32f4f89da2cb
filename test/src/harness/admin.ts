/** The admin API and the operator's command line, as an operator has them. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { TestCluster } from "./cluster.js";
import { DEADLINE_MS, until } from "./wait.js";

const CLI = fileURLToPath(new URL("../../../deploy/bin/plexus.mjs", import.meta.url));

export type Json = Record<string, unknown>;

export interface Answer<T = Json> {
  status: number;
  body: T;
}

export class Admin {
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  get url(): string {
    const { adminUrl } = this.#cluster.dev;
    assert.ok(adminUrl, "this cluster has no admin API, which it gets with `admin: true`");
    return adminUrl;
  }
  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#cluster.dev.adminToken}`, connection: "close" };
  }

  async ask<T = Json>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(this.url + path, {
      method,
      headers: { ...this.headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  /** The body of an answer that must be a success. */
  async get<T = Json>(path: string): Promise<T> {
    const { status, body } = await this.ask<T>("GET", path);
    assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
    return body;
  }

  /**
   * The same, once everybody who was asked has answered: a process that is held up for a moment is missing from the
   * answer, as it should be.
   */
  whole<T = Json>(path: string): Promise<T> {
    return until(`a whole answer to ${path}`, async () => {
      const answer = await this.get<T & { missing: string[] }>(path);
      assert.ok(Array.isArray(answer.missing), `${path} says who is missing`);
      return answer.missing.length === 0 && answer;
    }) as Promise<T>;
  }

  async post<T = Json>(path: string, body?: unknown): Promise<T> {
    const answer = await this.ask<T>("POST", path, body);
    assert.ok(answer.status < 300, `${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Checks that a request is refused with this code, and that the body is an error of the catalogue. */
  async refused(code: string, status: number, method: string, path: string, body?: unknown): Promise<string> {
    const answer = await this.ask<{ error: { code: string; message: string } }>(method, path, body);
    assert.deepEqual([answer.status, answer.body.error?.code], [status, code], JSON.stringify(answer.body));
    return answer.body.error.message;
  }

  /** The operation, once it has ended. */
  finished(id: string): Promise<Json> {
    return until(`operation ${id} to end`, async () => {
      const operation = await this.get(`/v1/operations/${id}`);
      return operation.state !== "running" && operation;
    });
  }
}

export interface CliRun {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

/** Starts `plexus` with these arguments against the cluster. */
export function startCli(cluster: TestCluster, ...args: string[]): CliRun {
  const child = spawn(process.execPath, [CLI, "--data", cluster.dataDir, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  const ended = output.then(([out, err, [code]]) => ({ code: code as number | null, out, err }));
  return { child, ended };
}

/** Runs `plexus` to its end. */
export function cli(cluster: TestCluster, ...args: string[]) {
  return startCli(cluster, ...args).ended;
}
