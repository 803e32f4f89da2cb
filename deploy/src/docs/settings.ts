/** The part of docs/configuration.md about what can be changed while everything runs. */
import { LIFECYCLE_KINDS, Settings } from "@plexus/runtime";

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
    doc: "Milliseconds that a message is kept. Whichever of the two comes first counts for readers; the log keeps four minutes at least, for the ids.",
  },
  {
    path: "presence",
    values: [true, false],
    doc: "Whether channels have members. Where not, `presence: true` in `sub` and the operation `presence` are `bad_request`.",
  },
  {
    path: "maxMessageBytes",
    least: 1,
    most: 131_072,
    doc: "Largest `data` of a message, in bytes of its JSON; a larger one is `too_large`.",
  },
  {
    path: "slowReader",
    values: ["close", "latest"],
    doc: "What becomes of a subscriber that can't keep up. `close`: its connection is closed with 4001, and it resumes without a gap. `latest`: it gets the newest record in place of all that waits, and the frame `skipped` says what was left out; for telemetry, where only the present counts.",
  },
] as const;

/** What a tenant may use: without a value there is no quota. */
export const QUOTA_FIELDS = [
  { path: "connections", most: 10_000_000, doc: "Connections of clients, on all gateways together." },
  { path: "channelsPerConnection", most: 100_000, doc: "Channels that one connection may subscribe to." },
  {
    path: "messagesInPerSecond",
    most: 10_000_000,
    doc: "Messages and signals that clients and bots publish, per second.",
  },
  {
    path: "messagesOutPerSecond",
    most: 1_000_000_000,
    doc: "Messages and signals that subscribers receive, per second, counted once for each of them.",
  },
  {
    path: "messageBytes",
    most: 131_072,
    doc: "Largest `data` of a message, in bytes of its JSON, whatever the namespace allows.",
  },
  {
    path: "historyBytes",
    most: 1_000_000_000_000_000,
    doc: "Bytes of all that the logs of all cells keep.",
  },
] as const;

/** As it may be written: without separators. */
export function amount(value: number): string {
  return value === Number.MAX_SAFE_INTEGER ? "2^53 - 1" : String(value);
}

export function valueAt(settings: unknown, path: string): unknown {
  return path.split(".").reduce((value, key) => (value as Record<string, unknown>)[key], settings);
}

function namespaceRows(): string {
  const defaults = new Settings().of("any", "any");
  const rows = NAMESPACE_FIELDS.map((field) => {
    const value = valueAt(defaults, field.path);
    const shown = typeof value === "number" ? amount(value) : `\`${String(value)}\``;
    const range =
      "values" in field
        ? field.values.map((each) => `\`${each}\``).join(", ")
        : `${amount(field.least)} to ${amount(field.most)}`;
    return `| \`${field.path}\` | ${range} | ${shown} | ${field.doc} |`;
  });
  return rows.join("\n");
}

function quotaRows(): string {
  return QUOTA_FIELDS.map(({ path, most, doc }) => `| \`${path}\` | 1 to ${amount(most)} | ${doc} |`).join(
    "\n",
  );
}

const INTRODUCTION = `## Settings

What can be changed while everything runs: what namespaces keep and allow, and what a tenant may use. There are four
layers; a field that a layer does not give is that of the layer before:

1. what is built in;
2. the file that \`PLEXUS_SETTINGS_FILE\` names, which processes read once, when they start; the same for all of them;
3. the installation's document, put with [\`plexus settings\`](cli.md) or the [admin API](admin.md#settings);
4. the tenant's own document, put with \`plexus tenant\`.

A document is checked before it is taken, an unknown field is an error, and what is taken is in force everywhere within
a second. Where in a layer a namespace is not listed, the layer's \`defaults\` hold for it.

| field | in | meaning |
|---|---|---|
| \`defaults\` | file, installation, tenant | settings of [namespaces](#namespaces) that are not listed |
| \`namespaces\` | file, installation, tenant | settings by namespace; 200 at most |
| \`quotas\` | file, installation, tenant | what a tenant may use; see [quotas](#quotas) |
| \`unlistedTenants\` | file, installation | \`allow\` (the default) or \`refuse\`: whether tenants that nothing is put down about may use the installation |
| \`suspended\` | tenant | \`true\`: the tenant is shut out |
`;

/** Documents that the test beside this file puts to the proof. */
const EXAMPLES = `The file, or the installation's document:

\`\`\`json settings
{
  "defaults": { "maxMessageBytes": 16384 },
  "namespaces": {
    "chat": { "retention": { "messages": 1000000, "ageMs": 31536000000 } },
    "ticker": { "presence": false, "slowReader": "latest", "retention": { "messages": 1000, "ageMs": 60000 } }
  },
  "quotas": { "connections": 1000, "messagesInPerSecond": 500 },
  "unlistedTenants": "refuse"
}
\`\`\`

A tenant's document:

\`\`\`json tenant
{
  "namespaces": { "chat": { "maxMessageBytes": 4096 } },
  "quotas": { "connections": 100000, "historyBytes": 50000000000 }
}
\`\`\`
`;

export function settingsSection(): string {
  return `${INTRODUCTION}${tenantRows()}
${EXAMPLES}
### Namespaces

A channel's namespace is its first token: \`chat\` of \`chat.lobby\`.

| field | value | default | meaning |
|---|---|---|---|
${namespaceRows()}

The newest record of a channel always stays: it holds the channel's position.

### Quotas

Each is a whole number, and of the tenant in the whole installation. A quota that no layer gives does not exist.
What becomes of what is beyond: [limits.md](limits.md).

| field | value | meaning |
|---|---|---|
${quotaRows()}
`;
}

function tenantRows(): string {
  const kinds = LIFECYCLE_KINDS.map((kind) => `\`${kind}\``).join(", ");
  return `| \`keys\` | tenant | what its tokens are checked with, in place of the installation's: 1 to 16 of \`{kid?, secret}\` (HS256, 32 characters or more), \`{jwks}\` (an address) or \`{jwk}\`; see [auth.md](auth.md) |
| \`events\` | tenant | lifecycle events that go into the [stream of events](webhooks.md#the-stream): ${kinds} |
| \`webhooks\` | tenant | 16 at most of \`{id, url, secret, events, channels?}\`, whose ids differ: where lifecycle events are sent, and what these requests are signed with; see [webhooks.md](webhooks.md) |
`;
}
