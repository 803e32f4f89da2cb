/** Every command that the documents show is run here, or somewhere that the document names, or says why it is not. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { COMMANDS, GLOBAL } from "@plexus/deploy/cli";
import { type Page, readPage, type ShellBlock } from "./docs/blocks.js";
import { CliBridge } from "./docs/cli-bridge.js";
import { mentions, offence } from "./docs/plexus-lines.js";
import { Session } from "./docs/session.js";
import { firstMissing, type Learned, withLearned } from "./docs/shape.js";
import { Admin } from "./harness/admin.js";
import { clusterForFile } from "./harness/cluster.js";
import type { RawClient } from "./harness/raw-client.js";
import { until } from "./harness/wait.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const names = [
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const pages = names.map((name) => readPage(name, read(name)));
const CELLS = ["eu-1", "us-1"];
/** Commands that change nothing. */
const LOOKS =
  /^(?:npx )?plexus (?:cells|gateways|ops|channel|user|presence|history|(?:bot|tenant|webhook) list)\b|^curl (?!.* -(?:X|d) )/;
const SHOWN_WITHIN_MS = 20_000;

const cluster = clusterForFile({
  admin: true,
  hooks: true,
  demo: true,
  cells: CELLS,
  workers: 2,
  gateways: 2,
  gatewayEnv: { PLEXUS_DRAIN_GRACE_MS: "2000" },
});
const admin = new Admin(cluster);
const bridge = new CliBridge();
before(() => bridge.start());
after(() => bridge.stop());

/** The usual addresses of `npm start` are others here. */
function here(text: string): string {
  const { url, adminUrl, natsUrl, redisUrl } = cluster.dev;
  return text
    .replaceAll("127.0.0.1:8080", url.replace("http://", ""))
    .replaceAll("127.0.0.1:9080", adminUrl!.replace("http://", ""))
    .replaceAll("nats://127.0.0.1:4222", natsUrl)
    .replaceAll("redis://127.0.0.1:6379", redisUrl);
}

test("what the documents say of plexus and npm exists", () => {
  const said = names.map((name) => mentions(name, read(name)));
  const wrong = said.flatMap(({ plexus }) => plexus).map((mention) => offence(mention, COMMANDS, GLOBAL));
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const strange = said
    .flatMap((mention) => mention.scripts)
    .filter(({ words }) => !Object.hasOwn(scripts, words[0]!))
    .map(({ page, line, words }) => `${page}:${line}: package.json has no script ${words[0]}`);
  assert.deepEqual([...wrong.filter((text) => text !== undefined), ...strange], []);
});

test("every block of commands can be read, and what another test is said to run stands there", () => {
  const wrong = pages.flatMap(({ name, shell, problems }) => [
    ...problems,
    ...shell.flatMap((block) => untested(name, block)),
  ]);
  assert.deepEqual(wrong, []);
});

/** What is wrong with a block that another test is said to run. */
function untested(page: string, { line, fate, text }: ShellBlock): string[] {
  if (fate.kind !== "tested") return [];
  if (!existsSync(join(ROOT, fate.by))) return [`${page}:${line}: there is no ${fate.by}`];
  const source = read(fate.by);
  return fate.words
    .filter((word) => !text.includes(word) || !source.includes(word))
    .map((word) => `${page}:${line}: "${word}" must stand in the block and in ${fate.by}`);
}

for (const page of pages.filter(({ shell }) => shell.some(isRun)))
  describe(page.name, () => {
    let session: Session;
    let clients: RawClient[];
    const learned: Learned = new Map();
    before(async () => {
      await restored(); // of a cluster that has just started the last cell may still be joining
      clients = await people();
      session = new Session(page.name, cluster.dataDir, page.programs, here, bridge.shellFunction);
    });
    after(async () => {
      await session.end();
      for (const client of clients) client.cut();
      await restored();
    });
    for (const block of page.shell.filter(isRun))
      test(`line ${block.line}: ${block.steps[0]!.command.split("\n")[0]}`, () =>
        run(page, block, session, learned));
  });

function isRun({ fate }: ShellBlock): boolean {
  return fate.kind === "run" || fate.kind === "beside";
}

async function run({ name }: Page, block: ShellBlock, session: Session, learned: Learned): Promise<void> {
  for (const { line, command, shown } of block.steps) {
    const own = withLearned(command, learned);
    if (block.fate.kind === "beside") {
      await session.beside(own, block.fate.until);
      continue;
    }
    const { output, failed, missing } = await runUntilShown(session, own, shown, learned);
    const advice = `${name}:${line} printed:\n${output}\n(what can stand above a block that can't be run here: test/src/docs/blocks.ts)`;
    assert.equal(missing, undefined, `the page shows what did not come; ${advice}`);
    if (shown.length === 0) assert.equal(failed, "", `a command failed; ${advice}`);
  }
}

/** Who only looks may look again, and who is told to wait waits: what the page shows may still be on its way. */
async function runUntilShown(session: Session, command: string, shown: readonly string[], learned: Learned) {
  const deadlineAt = performance.now() + SHOWN_WITHIN_MS;
  for (;;) {
    const result = await session.run(command);
    const missing = firstMissing(shown, result.output.split("\n"), learned);
    const mayRepeat = LOOKS.test(command) || result.output.includes("is under way; wait for its end");
    const isOver = missing === undefined || !mayRepeat || performance.now() > deadlineAt;
    if (isOver) return { ...result, missing };
  }
}

/** Those of whom the pages speak, who talk in the lobby: bob, and alice at both gateways. */
async function people(): Promise<RawClient[]> {
  const lobby = "chat.lobby";
  const clients: RawClient[] = [];
  for (const [user, gateway] of [
    ["bob", "g1"],
    ["alice", "g1"],
    ["alice", "g2"],
  ] as const) {
    // A page may have revoked the tokens that were made up to that second.
    const client = await until(`${user} to be let in`, () =>
      cluster
        .connect(user, { gateway, claims: { iat: Math.floor(Date.now() / 1_000) } })
        .catch(() => undefined),
    );
    await client.sub(lobby, { presence: true });
    await client.pub(lobby, { text: "Hello" });
    clients.push(client);
  }
  return clients;
}

/** What a page has changed is as before: all cells active with their workers, all gateways serving. */
async function restored(): Promise<void> {
  interface Cell {
    id: string;
    state: string;
    workers: number;
  }
  await admin.ask("PUT", "/v1/settings", {});
  for (const tenant of ["acme", "demo"]) await admin.ask("DELETE", `/v1/tenants/${tenant}/settings`);
  await until("the cells to be as before", async () => {
    const { cells, operation } = await admin.get<{ cells: Cell[]; operation?: unknown }>("/v1/cells");
    const own = cells.filter(({ id }) => CELLS.includes(id));
    const foreign = cells.find(({ id, state }) => !CELLS.includes(id) && state !== "down");
    if (foreign !== undefined) await admin.ask("POST", `/v1/cells/${foreign.id}/down`);
    if (operation !== undefined || foreign !== undefined) return false;
    const away = own.find(({ state }) => state !== "active");
    if (away !== undefined) await admin.ask("POST", `/v1/cells/${away.id}/activate`);
    return away === undefined && own.every(({ workers }) => workers === 2);
  });
  const { gateways } = await admin.get<{ gateways: Array<{ id: string; draining: boolean }> }>(
    "/v1/gateways",
  );
  for (const { id } of gateways.filter(({ draining }) => draining)) {
    cluster.process(id).kill("SIGKILL");
    await cluster.process(id).exited;
    await cluster.process(id).start();
  }
}
