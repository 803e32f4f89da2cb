import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Given } from "./args.js";
import { CliError, EXIT, usageError } from "./errors.js";

/** Where the admin API is, and what opens it. */
export interface Installation {
  readonly adminUrl: string;
  readonly adminToken: string;
}

/** The parts of `dev.json` that are of use here. */
interface DevFile {
  adminUrl: string | null;
  adminToken: string;
  tokenSecret: string;
  natsUrl: string;
  url: string;
  processes: RunningProcess[];
}

/** One process of an installation on this machine. */
export interface RunningProcess {
  kind: string;
  id: string;
  cell?: string;
  pid: number;
  opsUrl: string | null;
}

const DATA = ".plexus";
const HOW =
  "Give --admin-url and --admin-token (or PLEXUS_ADMIN_URL and PLEXUS_ADMIN_TOKEN), or start one: npm start";

/** Flags before the environment before the data folder of a local installation. */
export function findInstallation(given: Given, env: NodeJS.ProcessEnv, cwd: string): Installation {
  const url = given.text("admin-url") ?? env.PLEXUS_ADMIN_URL;
  const token = given.text("admin-token") ?? env.PLEXUS_ADMIN_TOKEN;
  if (url && token) return { adminUrl: checkedUrl(url), adminToken: token };
  const dev = readDevFile(given.text("data"), cwd);
  if (dev === undefined) {
    if (url)
      throw new CliError(EXIT.usage, "no admin token is given", "Give --admin-token or PLEXUS_ADMIN_TOKEN.");
    throw new CliError(EXIT.unreachable, "no installation is given, and none runs here", HOW);
  }
  if (!url && dev.adminUrl === null)
    throw new CliError(EXIT.unreachable, "the installation here runs without an admin API", HOW);
  return { adminUrl: checkedUrl(url ?? dev.adminUrl!), adminToken: token ?? dev.adminToken };
}

/** What signs clients' tokens, where it is known here. */
export function findTokenSecret(given: Given, env: NodeJS.ProcessEnv, cwd: string): string | undefined {
  // Of several, new tokens are signed with the first.
  if (env.PLEXUS_TOKEN_SECRET) return env.PLEXUS_TOKEN_SECRET.split(",")[0]!.trim();
  if (given.text("admin-url") ?? env.PLEXUS_ADMIN_URL) return undefined;
  return readDevFile(given.text("data"), cwd)?.tokenSecret;
}

/** Where NATS is, for what the admin API does not do. */
export function findNatsUrl(given: Given, env: NodeJS.ProcessEnv, cwd: string): string {
  const url = given.text("nats-url") ?? env.PLEXUS_NATS_URL ?? readDevFile(given.text("data"), cwd)?.natsUrl;
  if (url) return url;
  throw new CliError(
    EXIT.unreachable,
    "no NATS server is given, and no installation runs here",
    "Give --nats-url or PLEXUS_NATS_URL.",
  );
}

/** Where clients connect: as given, or where the installation on this machine listens. */
export function findGateways(given: Given, env: NodeJS.ProcessEnv, cwd: string): string[] {
  const urls = given.texts("url");
  const local = urls.length > 0 ? undefined : readDevFile(given.text("data"), cwd)?.url;
  if (urls.length === 0 && (env.PLEXUS_ADMIN_URL || given.text("admin-url") || local === undefined))
    throw new CliError(EXIT.unreachable, "no gateway is given, and no installation runs here", "Give --url.");
  const found = local === undefined ? urls : [local];
  for (const url of found)
    if (!URL.canParse(url) || !/^(?:ws|http)s?:$/.test(new URL(url).protocol))
      throw usageError(`"${url}" is no address of a gateway: it is like wss://chat.example`);
  return found;
}

/** The processes of the installation on this machine; none where another one is meant. */
export function findProcesses(given: Given, env: NodeJS.ProcessEnv, cwd: string): RunningProcess[] {
  const another = given.texts("url").length > 0 || given.text("admin-url") || env.PLEXUS_ADMIN_URL;
  return another ? [] : (readDevFile(given.text("data"), cwd)?.processes ?? []);
}

/** `dev.json` in the given folder, or in the first `.plexus` here or above; undefined where there is none. */
function readDevFile(data: string | undefined, cwd: string): DevFile | undefined {
  if (data !== undefined) {
    const path = join(resolve(cwd, data), "dev.json");
    const dev = readJson(path);
    if (dev === undefined) throw new CliError(EXIT.unreachable, `no installation runs on ${data}`, HOW);
    return dev;
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const dev = readJson(join(folder, DATA, "dev.json"));
    if (dev !== undefined || folder === dirname(folder)) return dev;
  }
}

function readJson(path: string): DevFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "EACCES") throw new CliError(EXIT.failed, `${path} may not be read by this user`);
    throw error;
  }
  return JSON.parse(text) as DevFile;
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new CliError(
      EXIT.usage,
      `"${text}" is no address of an admin API`,
      "It is like http://127.0.0.1:9080",
    );
  return text.replace(/\/+$/, "");
}
