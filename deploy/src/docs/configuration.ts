/** docs/configuration.md, made from the declarations that the processes read their options by. */
import { commonOptions, type OptionDeclaration, type OptionDeclarations, Settings } from "@plexus/runtime";
import { z } from "zod";
import { helpText } from "../launcher/flags.js";
import type { ProcessOptions } from "./declarations.js";

const INTRODUCTION = `# Configuration

This file is generated from the declarations in the code by \`node deploy/dist/docs/main.js\`; a test fails where it
is out of date.

- A process reads its options from the environment, once, when it starts. To change one, restart the process.
- A value that is not right, a required one that is missing, and any \`PLEXUS_…\` variable that the process does not
  know end it with exit code 2 and one line for each problem.
- The unit is at the end of a name: \`_MS\` milliseconds, \`_BYTES\` bytes.
- \`npm start\` gives each process its own; see [\`npm start\`](#npm-start).
- What is bounded by a constant instead of an option is in [ARCHITECTURE.md](../ARCHITECTURE.md#bounds).
`;

const START = `## npm start

\`\`\`text
${helpText().trimEnd()}
\`\`\`

Of the environment, \`PLEXUS_LOG_LEVEL\` and \`PLEXUS_SETTINGS_FILE\` are passed on to all processes. Other
\`PLEXUS_…\` variables are not, and the launcher says so: they belong to one kind of process. \`CHROMIUM_PATH\` names
the browser for \`npm test\`; with \`CI\` set, a test that is skipped fails the run.
`;

/** The whole document. */
export function configurationDocument(processes: readonly ProcessOptions[]): string {
  const common = Object.entries(commonOptions);
  const sections = processes.map(({ process, about, options }) => {
    const own = Object.entries(options).filter(([name]) => !(name in commonOptions));
    return `## ${process}\n\n${about}\n\n${table(Object.fromEntries(own))}`;
  });
  const everyProcess = `## Every process\n\n${table(Object.fromEntries(common))}`;
  return `${[INTRODUCTION, everyProcess, ...sections, namespaces(), START].join("\n")}`;
}

function table(options: OptionDeclarations): string {
  const rows = Object.values(options).map(
    (option) => `| \`${option.env}\` | ${valuesOf(option)} | ${defaultOf(option)} | ${cell(option.doc)} |`,
  );
  return `| variable | value | default | meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

interface Schema {
  type?: string;
  enum?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
}

/** What may be written there, in words; from the input side, since some are transformed. */
export function valuesOf({ type }: OptionDeclaration): string {
  const schema = z.toJSONSchema(type, { io: "input", unrepresentable: "any" }) as Schema;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.type === "integer") return `${amount(schema.minimum!)} to ${amount(schema.maximum!)}`;
  if (schema.pattern !== undefined) return `\`${schema.pattern}\``;
  return schema.minLength !== undefined && schema.minLength > 1
    ? `text, ${schema.minLength} characters or more`
    : "text";
}

function defaultOf(option: OptionDeclaration): string {
  if (!("default" in option)) return "required";
  if (option.default === undefined) return "none";
  return typeof option.default === "number" ? amount(option.default) : `\`${String(option.default)}\``;
}

/** As it may be written: without separators. */
function amount(value: number): string {
  return value === Number.MAX_SAFE_INTEGER ? "2^53 - 1" : String(value);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** Settings of namespaces: the defaults are asked of the code, the bounds are held by the test beside this file. */
export const NAMESPACE_FIELDS = [
  {
    path: "retention.messages",
    least: 1,
    most: 100_000_000,
    doc: "Messages that are kept of a channel, by count.",
  },
  {
    path: "retention.ageMs",
    least: 1_000,
    most: Number.MAX_SAFE_INTEGER,
    doc: "Milliseconds that a message is kept. Whichever of the two comes first counts.",
  },
  {
    path: "presence",
    least: null,
    most: null,
    doc: "Whether channels have members. Where not, `presence: true` in `sub` and the operation `presence` are `bad_request`.",
  },
  {
    path: "maxMessageBytes",
    least: 1,
    most: 131_072,
    doc: "Largest `data` of a message, in bytes of its JSON; a larger one is `too_large`.",
  },
] as const;

export function valueAt(settings: unknown, path: string): unknown {
  return path.split(".").reduce((value, key) => (value as Record<string, unknown>)[key], settings);
}

function namespaces(): string {
  const defaults = new Settings().of("any", "any");
  const rows = NAMESPACE_FIELDS.map(({ path, least, most, doc }) => {
    const value = valueAt(defaults, path);
    const shown = typeof value === "number" ? amount(value) : `\`${String(value)}\``;
    const range = least === null ? "`true`, `false`" : `${amount(least)} to ${amount(most)}`;
    return `| \`${path}\` | ${range} | ${shown} | ${doc} |`;
  });
  return `## Namespaces

A channel's namespace is its first token: \`chat\` of \`chat.lobby\`. \`PLEXUS_SETTINGS_FILE\` names a JSON file with
the settings of namespaces, the same for all processes and all tenants. A namespace that is not listed has \`defaults\`;
one that is listed takes from them each field that it leaves out. An unknown field is an error.

\`\`\`json settings
{
  "defaults": { "maxMessageBytes": 16384 },
  "namespaces": {
    "chat": { "retention": { "messages": 1000000, "ageMs": 31536000000 } },
    "ticker": { "presence": false, "retention": { "messages": 1000, "ageMs": 60000 } }
  }
}
\`\`\`

| field | value | default | meaning |
|---|---|---|---|
${rows.join("\n")}

The newest record of a channel always stays: it holds the channel's position.
`;
}
