/** Settings of namespaces: what a channel may and keeps, by its first token. */
import { readFileSync } from "node:fs";
import { namespaceOf } from "@plexus/protocol";
import { z } from "zod";
import { ConfigError } from "./config.js";

const DAY_MS = 24 * 60 * 60 * 1_000;

export interface NamespaceSettings {
  /** What the log keeps, whichever comes first; the last record always stays. */
  readonly retention: { readonly messages: number; readonly ageMs: number };
  /** Whether channels have members. */
  readonly presence: boolean;
  /** Largest `data` of a message, bytes of JSON. */
  readonly maxMessageBytes: number;
}

const BUILT_IN: NamespaceSettings = {
  retention: { messages: 100_000, ageMs: 30 * DAY_MS },
  presence: true,
  maxMessageBytes: 32_768,
};

const retention = z.strictObject({
  messages: z.number().int().min(1).max(100_000_000).optional(),
  ageMs: z.number().int().min(1_000).optional(),
});
const namespace = z.strictObject({
  retention: retention.optional(),
  presence: z.boolean().optional(),
  maxMessageBytes: z.number().int().min(1).max(131_072).optional(),
});
const settings = z.strictObject({
  defaults: namespace.default({}),
  namespaces: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), namespace).default({}),
});

/** What is given, over what is not. */
function over(base: NamespaceSettings, given: z.infer<typeof namespace>): NamespaceSettings {
  return {
    retention: {
      messages: given.retention?.messages ?? base.retention.messages,
      ageMs: given.retention?.ageMs ?? base.retention.ageMs,
    },
    presence: given.presence ?? base.presence,
    maxMessageBytes: given.maxMessageBytes ?? base.maxMessageBytes,
  };
}

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
    const defaults = over(BUILT_IN, result.data.defaults);
    this.#defaults = defaults;
    this.#namespaces = new Map(
      Object.entries(result.data.namespaces).map(([name, given]) => [name, over(defaults, given)]),
    );
  }

  static fromFile(path: string | undefined): Settings {
    return path === undefined ? new Settings() : new Settings(JSON.parse(readFileSync(path, "utf8")));
  }

  of(channel: string): NamespaceSettings {
    return this.#namespaces.get(namespaceOf(channel)) ?? this.#defaults;
  }
}
