/** `plexus settings …` and what of `plexus tenant …` does the same with a tenant's document. */
import type { SettingsBody } from "../../admin/settings-schemas.js";
import { path, query } from "../api.js";
import { type Command, type CommandContext, show } from "../command.js";
import { usageError } from "../errors.js";
import { readJson } from "../read-file.js";
import { readPatch } from "../settings-patch.js";
import { printable } from "../text.js";

const INSTALLATION = "/v1/settings";

const HOW_TO_SET = [
  "The path of a field in docs/configuration.md. A value is JSON or else text; none takes the field out.",
  "It is in force everywhere within a second. What is wrong changes nothing.",
];
const SECRETS = "Secrets are shown as …; a document that comes back with that keeps them.";

export const settingsShow: Command = {
  name: "settings show",
  args: [],
  options: [],
  summary: "the installation's settings",
  examples: ["plexus settings show"],
  more: [SECRETS],
  run: async (context) => {
    const found = await context.api.get<SettingsBody>(INSTALLATION);
    return show(context, found, documentLines);
  },
};

export const settingsSet: Command = {
  name: "settings set",
  args: ["path=value…"],
  options: ["revision"],
  summary: "changes some of the installation's settings",
  examples: ["plexus settings set quotas.connections=1000 unlistedTenants=refuse"],
  more: HOW_TO_SET,
  run: (context) => change(context, "PATCH", INSTALLATION, readPatch(context.given.args)),
};

export const settingsPut: Command = {
  name: "settings put",
  args: [],
  options: ["file", "revision"],
  summary: "puts the installation's settings, the whole of them",
  examples: ["plexus settings put --file settings.json --revision 7"],
  more: [SECRETS],
  run: (context) => change(context, "PUT", INSTALLATION, readDocument(context)),
};

export const settingsCheck: Command = {
  name: "settings check",
  args: [],
  options: ["file"],
  summary: "says whether the installation's settings could be put like this; changes nothing",
  examples: ["plexus settings check --file settings.json"],
  run: (context) => check(context, INSTALLATION),
};

export const tenantSet: Command = {
  name: "tenant set",
  args: ["tenant", "path=value…"],
  options: ["revision"],
  summary: "changes some of a tenant's settings; a tenant that was not listed is, from then on",
  examples: ["plexus tenant set acme quotas.connections=100 namespaces.chat.retention.messages=1000"],
  more: HOW_TO_SET,
  run: (context) => {
    const [tenant, ...assignments] = context.given.args;
    return change(context, "PATCH", tenantPath(tenant!), readPatch(assignments));
  },
};

export const tenantPut: Command = {
  name: "tenant put",
  args: ["tenant"],
  options: ["file", "revision"],
  summary: "puts a tenant's settings, the whole of them",
  examples: ["plexus tenant put acme --file acme.json --revision 12"],
  more: [SECRETS],
  run: (context) => change(context, "PUT", tenantPath(context.given.args[0]!), readDocument(context)),
};

export const tenantCheck: Command = {
  name: "tenant check",
  args: ["tenant"],
  options: ["file"],
  summary: "says whether a tenant's settings could be put like this; changes nothing",
  examples: ["plexus tenant check acme --file acme.json"],
  run: (context) => check(context, tenantPath(context.given.args[0]!)),
};

export function tenantPath(tenant: string): string {
  return path`/v1/tenants/${tenant}/settings`;
}

/** Makes a change, and shows what has come of it. */
export async function change(
  context: CommandContext,
  method: "PUT" | "PATCH",
  url: string,
  body: object,
): Promise<number> {
  const revision = context.given.count("revision", 0);
  const changed = await context.api.send<SettingsBody>(method, url + query({ revision }), body);
  return show(context, changed, documentLines);
}

async function check(context: CommandContext, url: string): Promise<number> {
  const found = await context.api.post<SettingsBody>(`${url}/check`, readDocument(context));
  return show(context, found, ({ revision }) => [`it can be put, over revision ${revision}`]);
}

/** The revision, and the document as it can be given back. */
export function documentLines({ revision, settings }: SettingsBody): string[] {
  return [`revision ${revision}`, ...JSON.stringify(settings, null, 2).split("\n").map(printable)];
}

function readDocument({ given, terminal }: CommandContext): object {
  const file = given.text("file");
  if (file === undefined) throw usageError("--file is missing: the document, as JSON (- is standard input)");
  const document = readJson(terminal, file);
  if (typeof document === "object" && document !== null && !Array.isArray(document)) return document;
  throw usageError(`${file} must hold an object`);
}
