/** docs/configuration.md, made from the declarations that the processes read their options by. */
import {
  commonOptions,
  fileVariable,
  type OptionDeclaration,
  type OptionDeclarations,
} from "@plexus/runtime";
import { z } from "zod";
import { helpText } from "../launcher/flags.js";
import type { ProcessOptions } from "./declarations.js";
import { amount, settingsSection } from "./settings.js";

const INTRODUCTION = `# Configuration

This file is generated from the declarations in the code by \`node deploy/dist/docs/main.js\`; a test fails where it
is out of date.

- A process reads its options from the environment, once, when it starts. To change one, restart the process.
- A value that is not right, a required one that is missing, and any \`PLEXUS_…\` variable that the process does not
  know end it with exit code 2 and one line for each problem.
- The unit is at the end of a name: \`_MS\` milliseconds, \`_BYTES\` bytes.
- What can be changed while everything runs is no option but a setting: see [settings](#settings).
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
  return `${[INTRODUCTION, everyProcess, ...sections, settingsSection(), START].join("\n")}`;
}

function table(options: OptionDeclarations): string {
  const rows = Object.values(options).map(
    (option) =>
      `| \`${option.env}\` | ${valuesOf(option)} | ${defaultOf(option)} | ${cell(meaningOf(option))} |`,
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

function meaningOf(option: OptionDeclaration): string {
  const file = fileVariable(option);
  return file === undefined ? option.doc : `${option.doc} Or \`${file}\`: a file that holds it.`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
