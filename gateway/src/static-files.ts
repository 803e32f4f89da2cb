import type { HttpResponse, TemplatedApp } from "uWebSockets.js";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".map": "application/json",
  ".svg": "image/svg+xml",
};

const HEADERS: Record<string, string> = {
  "content-security-policy":
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

const PUBLIC = fileURLToPath(new URL("../public/", import.meta.url));
const CLIENT = fileURLToPath(new URL("../../shared/client/dist/", import.meta.url));

/** Serves the demo and the client bundle. The files are few and small: they are read once, at the start. */
export function serveFiles(app: TemplatedApp): void {
  for (const file of readdirSync(PUBLIC, { recursive: true, encoding: "utf8" }))
    if (extname(file) in TYPES) serve(app, `/${file}`, join(PUBLIC, file));
  for (const file of [
    "plexus-client.js",
    "plexus-client.js.map",
    "plexus-client.min.js",
    "plexus-client.min.js.map",
  ])
    if (existsSync(join(CLIENT, file))) serve(app, `/${file}`, join(CLIENT, file));
  serve(app, "/", join(PUBLIC, "index.html"));
}

function serve(app: TemplatedApp, path: string, file: string): void {
  const body = readFileSync(file);
  const type = TYPES[extname(file)]!;
  app.get(path, (response) => {
    response.cork(() => {
      writeHeaders(response, type);
      response.end(body);
    });
  });
}

export function writeHeaders(response: HttpResponse, type: string): void {
  response.writeHeader("content-type", type);
  for (const [name, value] of Object.entries(HEADERS)) response.writeHeader(name, value);
}
