/** The documents of the protocol are held against the code: what they show is accepted, and nothing is missing. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  ACTIONS,
  Capabilities,
  CLOSES,
  type ClientFrame,
  CONNECT_PATH,
  decodeControl,
  decodeRecord,
  ERRORS,
  encodeControl,
  encodeRecord,
  isTenant,
  joinFragments,
  type MsgFrame,
  messageFragment,
  opOf,
  parseClientFrame,
  readHead,
  type ServerFrame,
  SUBPROTOCOL_JSON,
  SUBPROTOCOL_MSGPACK,
} from "@plexus/protocol";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const protocol = read("docs/protocol.md");
const errors = read("docs/errors.md");

/** The lines of every block that is marked with these words, as in ```json client. */
function examples(text: string, mark: string): string[] {
  const blocks = [...text.matchAll(/^```([^\n]+)\n([\s\S]*?)^```$/gm)];
  return blocks.filter(([, info]) => info === mark).flatMap(([, , body]) => body!.trim().split("\n"));
}

/** The frames of a line: one, or a batch. */
function frames<F>(lines: readonly string[]): F[] {
  return lines.flatMap((line) => [JSON.parse(line) as F | F[]].flat() as F[]);
}

// Complete by their types: a new operation does not compile until it is here, and then wants an example.
const CLIENT_OPS: Record<ClientFrame["op"], true> = {
  hello: true,
  auth: true,
  sub: true,
  unsub: true,
  pub: true,
  history: true,
  presence: true,
  state: true,
  signal: true,
  ping: true,
};
const SERVER_OPS: Record<ServerFrame["op"], true> = {
  welcome: true,
  ok: true,
  err: true,
  msg: true,
  presence: true,
  signal: true,
  reset: true,
  ended: true,
  skipped: true,
  pong: true,
  bye: true,
};
const EVENT_OPS = ["msg", "presence", "signal", "open", "seal"];

test("every example of a client's frame is one, with no field that the gateway would ignore", () => {
  const shown = frames<ClientFrame>(examples(protocol, "json client"));
  for (const frame of shown) assert.deepEqual(parseClientFrame(frame), frame);
  assert.deepEqual(opsOf(shown), Object.keys(CLIENT_OPS).sort());
});

test("every frame of the server has an example, written as gateways write it", () => {
  const lines = examples(protocol, "json server");
  for (const line of lines) assert.equal(line, JSON.stringify(JSON.parse(line)));
  const shown = frames<ServerFrame>(lines);
  assert.deepEqual(opsOf(shown), Object.keys(SERVER_OPS).sort());
  for (const frame of shown) {
    if (frame.op === "msg") assertRecord(JSON.stringify(frame));
    if (frame.op === "err") assert.ok(frame.code in ERRORS, frame.code);
    if (frame.op === "bye")
      assert.equal(frame.reason, CLOSES[frame.code as keyof typeof CLOSES].reason, frame.code);
  }
});

test("every frame on an event subject has an example, and records are the bytes of the log", () => {
  const lines = examples(protocol, "json event");
  assert.deepEqual(opsOf(frames<{ op: string }>(lines)), [...EVENT_OPS].sort());
  for (const line of lines) {
    const bytes = new TextEncoder().encode(line);
    const op = opOf(bytes);
    if (op === "msg") assertRecord(line);
    if (op === "open" || op === "seal")
      assert.equal(new TextDecoder().decode(encodeControl(decodeControl(bytes))), line);
  }
});

test("the example of a token's claims is taken, and names every action", () => {
  const [line] = examples(protocol, "json claims");
  const { tenant, caps } = JSON.parse(line!);
  assert.ok(isTenant(tenant));
  assert.ok(Capabilities.parse(caps) instanceof Capabilities);
  for (const action of ACTIONS) assert.ok(protocol.includes(`\`${action}\``), action);
});

test("every operation, error and close code is in docs/protocol.md", () => {
  for (const op of [...Object.keys(CLIENT_OPS), ...Object.keys(SERVER_OPS), ...EVENT_OPS])
    assert.ok(protocol.includes(`"op":"${op}"`), op);
  for (const code of Object.keys(ERRORS)) assert.ok(protocol.includes(`\`${code}\``), code);
  for (const [name, { code }] of Object.entries(CLOSES))
    assert.match(protocol, new RegExp(`^\\| ${code} \\| \`${name}\` \\|`, "m"));
  for (const text of [CONNECT_PATH, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK])
    assert.ok(protocol.includes(text));
});

test("docs/errors.md says of every error what the catalogue says, and knows no other", () => {
  const rows = [...errors.matchAll(/^\| `(\w+)` \| (\d+) \| (yes|no) \| (.+?) \| (.+) \|$/gm)];
  const shown = rows.map(([, code, status, again, meaning]) => [code, Number(status), again, meaning]);
  const known = Object.entries(ERRORS).map(([code, { status, retryable, meaning }]) => [
    code,
    status,
    retryable ? "yes" : "no",
    meaning,
  ]);
  assert.deepEqual(shown.sort(), known.sort());
});

test("docs/errors.md says of every close code what the catalogue says, and knows no other", () => {
  const rows = [...errors.matchAll(/^\| (\d+) \| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$/gm)];
  const shown = rows.map(([, number, name, reason, meaning]) => [Number(number), name, reason, meaning]);
  const known = Object.entries(CLOSES).map(([name, { code, reason, meaning }]) => [
    code,
    name,
    reason,
    meaning,
  ]);
  assert.deepEqual(shown.sort(), known.sort());
});

const pages = [root, join(root, "docs"), join(root, "docs/adr")].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => relative(root, join(folder, name))),
);

for (const page of pages)
  test(`${page}: links lead somewhere, and files that it names exist`, () => {
    const text = read(page);
    const here = dirname(join(root, page));
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [path, anchor] = target!.split("#") as [string, string?];
      const file = path === "" ? join(root, page) : join(here, path);
      assert.ok(existsSync(file), `${target} does not exist`);
      if (anchor !== undefined)
        assert.ok(anchors(readFileSync(file, "utf8")).has(anchor), `no heading for ${target}`);
    }
    for (const [, path] of text.matchAll(/`((?:cells|gateway|shared|deploy|test|docs)\/[\w./-]+\.\w+)`/g))
      if (!path!.includes("/dist/")) assert.ok(existsSync(join(root, path!)), `${path} does not exist`);
  });

test("docs/README.md leads to every page of the folder", () => {
  const index = read("docs/README.md");
  const lacking = pages
    .filter((page) => /^docs\/[\w-]+\.md$/.test(page) && page !== "docs/README.md")
    .filter((page) => !index.includes(`| [${page.slice(5)}](${page.slice(5)}) |`));
  assert.deepEqual(lacking, [], "put a line for it into the table of all pages");
});

/** What GitHub makes of headings. */
function anchors(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, text]) => text!);
  const plain = headings.map((text) => text.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, ""));
  return new Set(plain.map((text) => text.replaceAll(" ", "-")));
}

function opsOf(shown: ReadonlyArray<{ op: string }>): string[] {
  return [...new Set(shown.map(({ op }) => op))].sort();
}

/** The line is what a record with these messages is encoded to. */
function assertRecord(line: string): void {
  const bytes = new TextEncoder().encode(line);
  const head = readHead(bytes);
  assert.ok(head, line);
  const { ch, epoch, seq, n, m } = decodeRecord(bytes) as MsgFrame;
  assert.equal(n, m.length);
  const fragments = m.map(({ id, user, conn, data }) =>
    messageFragment(id, JSON.stringify(user), JSON.stringify(conn), JSON.stringify(data)),
  );
  const record = encodeRecord(ch, epoch, seq, [joinFragments(fragments)], m[0]!.ts);
  assert.equal(new TextDecoder().decode(record), line);
}
