import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ClusterError } from "./errors.js";
import { writeFileAtomically } from "./files.js";

/** What this installation signs and checks with. */
export interface Secrets {
  /** Signs the tokens of chat clients (HS256). */
  tokenSecret: string;
  /** Bearer token of the admin API. */
  adminToken: string;
}

const SECRET_BYTES = 32;

/** Made once per data folder and then kept, so that tokens stay valid over a restart. */
export function loadSecrets(folder: string): Secrets {
  const path = join(folder, "secrets.json");
  const kept = read(path);
  if (kept) return kept;
  const secrets = { tokenSecret: randomSecret(), adminToken: randomSecret() };
  writeFileAtomically(path, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

function read(path: string): Secrets | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  // A damaged file is not replaced silently: every token that was given out would stop working.
  const { tokenSecret, adminToken } = JSON.parse(text) as Partial<Secrets>;
  if (!isSecret(tokenSecret) || !isSecret(adminToken)) {
    throw new ClusterError(
      `${path} does not hold two secrets of ${SECRET_BYTES} bytes; delete it to have new ones made`,
    );
  }
  return { tokenSecret, adminToken };
}

function isSecret(value: unknown): value is string {
  return typeof value === "string" && Buffer.from(value, "base64url").length >= SECRET_BYTES;
}

function randomSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}
