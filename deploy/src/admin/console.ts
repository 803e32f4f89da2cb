/** The console: a page for operators, which asks this API as any other program does. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyReply } from "fastify";
import type { AdminServer } from "./context.js";

const HOME = "/console/";
const PAGE = fileURLToPath(new URL("../console-page/", import.meta.url));

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The page runs, shows and asks what comes from here, and nothing else; strings never become markup or code. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
];
/** What a page could ask a person for, and does not. */
const NOT_USED = ["camera", "microphone", "geolocation", "payment", "usb", "display-capture"];

const HEADERS = {
  "content-security-policy": POLICY.join("; "),
  "permissions-policy": NOT_USED.map((feature) => `${feature}=()`).join(", "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Asked for again each time, and not sent again while it is the same.
  "cache-control": "no-cache",
};

/** Whoever asks gets the page: it holds nothing, and what it shows needs a token. */
const open = { config: { open: true }, schema: { hide: true } };

/** The files are few and small: they are read once, at the start. Without a bundle there is no console. */
export function consoleRoutes(server: AdminServer): void {
  if (!existsSync(PAGE)) return;
  for (const name of readdirSync(PAGE)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = readFileSync(join(PAGE, name));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    server.get(HOME + (name === "index.html" ? "" : name), open, async (request, reply) => {
      reply.headers(HEADERS).header("etag", etag);
      if (request.headers["if-none-match"] === etag) return reply.code(304).send();
      return reply.type(type).send(body);
    });
  }
  const home = async (_: unknown, reply: FastifyReply) => reply.redirect(HOME);
  for (const path of ["/", "/console"]) server.get(path, open, home);
}
