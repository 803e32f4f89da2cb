import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { collectDefaultMetrics, register } from "prom-client";
import type { Logger } from "./log.js";

/** What has to answer before traffic may be sent here: name → undefined if well, else what is wrong. */
export type Readiness = () => Promise<Record<string, string | undefined>>;

const READY_DEADLINE_MS = 2_000;

export interface OpsServer {
  port: number;
  stop(): Promise<void>;
}

/**
 * Serves `/healthz` (the process is alive), `/readyz` (what it depends on answers) and `/metrics`
 * (Prometheus text). `/readyz` answers 503 and names each check that fails.
 */
export async function startOpsServer(options: {
  host: string;
  port: number;
  ready: Readiness;
  log: Logger;
}): Promise<OpsServer> {
  collectDefaultMetrics({ prefix: "plexus_" });
  const server = createServer((request, response) => {
    const reply = (status: number, type: string, body: string) => {
      const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
      response.writeHead(status, { "content-type": type, ...headers });
      response.end(body);
    };
    const fail = (error: unknown) => {
      options.log.error({ err: error, path: request.url }, "ops request failed");
      reply(500, "text/plain", "internal error\n");
    };
    switch (request.url?.split("?")[0]) {
      case "/healthz":
        return reply(200, "application/json", '{"status":"ok"}\n');
      case "/readyz":
        return void answerReady(options.ready, reply).catch(fail);
      case "/metrics":
        return void register.metrics().then((text) => reply(200, register.contentType, text), fail);
      default:
        return reply(404, "text/plain", "try /healthz, /readyz or /metrics\n");
    }
  });
  await listen(server, options.host, options.port);
  const { port } = server.address() as AddressInfo;
  options.log.info({ host: options.host, port }, "ops server listens");
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answerReady(
  ready: Readiness,
  reply: (status: number, type: string, body: string) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Record<string, string>>((resolve) => {
    timer = setTimeout(() => resolve({ checks: "no answer in time" }), READY_DEADLINE_MS);
  });
  const checks = await Promise.race([ready(), late]).finally(() => clearTimeout(timer));
  const ok = Object.values(checks).every((problem) => problem === undefined);
  const shown = Object.fromEntries(Object.entries(checks).map(([name, problem]) => [name, problem ?? "ok"]));
  reply(ok ? 200 : 503, "application/json", `${JSON.stringify({ ready: ok, checks: shown })}\n`);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
