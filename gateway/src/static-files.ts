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

/** What pages and their files may do: load and connect to what comes from here, and nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
];
/** What a page could ask a person for, and does not. */
const NOT_USED = ["camera", "microphone", "geolocation", "payment", "usb", "display-capture"];

const HEADERS: Record<string, string> = {
  "content-security-policy": POLICY.join("; "),
  "permissions-policy": NOT_USED.map((feature) => `${feature}=()`).join(", "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};
/** Files are asked for again when they may have changed; whatever else is answered is for this once. */
const FILE_CACHE = "no-cache";
const NO_CACHE = "no-store";

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
      writeHeaders(response, type, FILE_CACHE);
      response.end(body);
    });
  });
}

export function writeHeaders(response: HttpResponse, type: string, cache = NO_CACHE): void {
  response.writeHeader("content-type", type);
  response.writeHeader("cache-control", cache);
  for (const [name, value] of Object.entries(HEADERS)) response.writeHeader(name, value);
}

/** Answers all that nobody else does; to be added last. */
export function serveNothingElse(app: TemplatedApp): void {
  app.any("/*", (response) => {
    response.cork(() => {
      response.writeStatus("404 Not Found");
      writeHeaders(response, "text/plain; charset=utf-8");
      response.end("not found\n");
    });
  });
}
