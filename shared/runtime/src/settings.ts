/** Settings of namespaces: what a channel may and keeps, by its first token. */
import { readFileSync } from "node:fs";
import { namespaceOf } from "@plexus/protocol";
import { z } from "zod";
import { ConfigError } from "./config.js";

const DAY_MS = 24 * 60 * 60 * 1_000;

const namespace = z.strictObject({
  /** What the log keeps, whichever comes first; the last record always stays. */
  retention: z
    .strictObject({
      messages: z.number().int().min(1).max(100_000_000).default(100_000),
      ageMs: z
        .number()
        .int()
        .min(1_000)
        .default(30 * DAY_MS),
    })
    .prefault({}),
  /** Whether channels have members. */
  presence: z.boolean().default(true),
  /** Largest `data` of a message, bytes of JSON. */
  maxMessageBytes: z.number().int().min(1).max(131_072).default(32_768),
});

const settings = z.strictObject({
  defaults: namespace.prefault({}),
  namespaces: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), namespace).default({}),
});

export type NamespaceSettings = z.infer<typeof namespace>;

export class Settings {
  readonly #defaults: NamespaceSettings;
  readonly #namespaces: ReadonlyMap<string, NamespaceSettings>;

  /** Throws {@link ConfigError} naming the first field that is wrong; unknown fields are errors. */
  constructor(value: unknown = {}) {
    const result = settings.safeParse(value);
    if (!result.success) {
      const issue = result.error.issues[0];
      throw new ConfigError(`settings: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
    }
    this.#defaults = result.data.defaults;
    this.#namespaces = new Map(Object.entries(result.data.namespaces));
  }

  static fromFile(path: string | undefined): Settings {
    return path === undefined ? new Settings() : new Settings(JSON.parse(readFileSync(path, "utf8")));
  }

  of(channel: string): NamespaceSettings {
    return this.#namespaces.get(namespaceOf(channel)) ?? this.#defaults;
  }
}
