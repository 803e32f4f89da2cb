import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { ERRORS } from "@plexus/protocol";
import { EXIT } from "./errors.js";
import { COMMANDS, runCli } from "./run.js";
import { type Answer, type Asked, fakeApi } from "./testing/fake-api.js";
import { TestTerminal } from "./testing/terminal.js";

const TOKEN = "t".repeat(32);
const DRAIN = { id: "drain-1", kind: "drain", cell: "eu-1", startedAt: 1_000, moved: 0, total: 10 };

/** Runs a command line against an admin API that answers like this. */
async function run(t: TestContext, argv: string[], answer: (asked: Asked) => Answer) {
  const { url, asked } = await fakeApi(t, answer);
  const terminal = new TestTerminal({ PLEXUS_ADMIN_URL: url, PLEXUS_ADMIN_TOKEN: TOKEN });
  const exitCode = await runCli(argv, terminal);
  return { exitCode, terminal, asked };
}

function event(operation: object): string {
  return `event: operation\ndata: ${JSON.stringify(operation)}\n\n`;
}

test("cells are a table for people, and JSON for programs", async (t) => {
  const all = { workers: 2, missing: [], complete: true };
  const cell = { id: "eu-1", region: "eu", state: "active", weight: 1, ...all, channels: 30, rate: 1.5 };
  const body = { version: 4, cells: [cell] };
  const people = await run(t, ["cells"], () => ({ body }));
  assert.equal(people.exitCode, 0);
  assert.deepEqual(people.terminal.lines, [
    "CELL  REGION  STATE   WEIGHT  WORKERS  CHANNELS  MESSAGES/S",
    "eu-1  eu      active       1        2        30         1.5",
  ]);
  assert.deepEqual(
    people.asked.map(({ method, path, authorization }) => [method, path, authorization]),
    [["GET", "/v1/cells", `Bearer ${TOKEN}`]],
  );
  const programs = await run(t, ["cells", "--json"], () => ({ body }));
  assert.deepEqual(JSON.parse(programs.terminal.text), body);
});

test("a cell of which not all workers answered says so", async (t) => {
  const some = { workers: 1, missing: ["w2"], complete: false };
  const none = { workers: 0, missing: [], complete: false };
  const load = { region: "eu", weight: 1, channels: 3, rate: 0 };
  const cells = [
    { id: "eu-1", state: "active", ...load, ...some },
    { id: "eu-2", state: "active", ...load, ...none },
    { id: "eu-3", state: "drained", ...load, ...none },
  ];
  const { terminal } = await run(t, ["cells"], () => ({ body: { version: 4, cells } }));
  assert.deepEqual(terminal.lines, [
    "CELL  REGION  STATE    WEIGHT  WORKERS  CHANNELS  MESSAGES/S",
    "eu-1  eu      active        1  1 of 2          3           0",
    "eu-2  eu      active        1  0               3           0",
    "eu-3  eu      drained       1  0               3           0",
    "eu-1: no answer in time from w2; what it has and does is not counted in",
    "eu-2: no worker answers; whether any runs is not known",
  ]);
});

test("names may hold any character", async (t) => {
  const { asked } = await run(t, ["user", "demo", "a/b ü?#"], () => ({
    body: { connections: [], count: 0, missing: [] },
  }));
  assert.equal(asked[0]?.path, "/v1/tenants/demo/users/a%2Fb%20%C3%BC%3F%23");
});

test("a result that lacks a gateway's part says so", async (t) => {
  const { terminal } = await run(t, ["user", "demo", "alice"], () => ({
    body: { connections: [], count: 0, missing: ["g2"] },
  }));
  assert.match(terminal.text, /no answer from g2/);
});

test("every error of the admin API has its exit code", async (t) => {
  const expected: Record<string, number> = {
    bad_request: 2,
    unauthorized: 6,
    token_expired: 6,
    forbidden: 4,
    not_subscribed: 4,
    not_found: 5,
    conflict: 4,
    too_large: 4,
    rate_limited: 7,
    limit_reached: 4,
    unavailable: 7,
    timeout: 7,
    internal: 1,
  };
  assert.deepEqual(Object.keys(expected), Object.keys(ERRORS));
  for (const [code, exitCode] of Object.entries(expected)) {
    const status = ERRORS[code as keyof typeof ERRORS].status;
    const result = await run(t, ["drain", "eu-1"], () => ({
      status,
      body: { error: { code, message: "no\u001b" } },
    }));
    assert.equal(result.exitCode, exitCode, code);
    assert.equal(result.terminal.notes[0], "plexus: no\\u001b");
    assert.equal(result.terminal.text, "");
  }
});

test("what can't be reached, and what is no admin API, is told apart", async (t) => {
  const terminal = new TestTerminal();
  const nowhere = ["--admin-url", "http://127.0.0.1:1", "--admin-token", TOKEN];
  assert.equal(await runCli(["cells", ...nowhere], terminal), 3);
  assert.match(terminal.notes[0] ?? "", /http:\/\/127\.0\.0\.1:1 can't be reached/);
  const other = await run(t, ["cells"], () => ({ status: 404, events: "<html>" }));
  assert.equal(other.exitCode, 1);
  assert.match(other.terminal.notes[0] ?? "", /is no admin API: it answered 404/);
  const page = await run(t, ["cells"], () => ({ events: "<html>" }));
  assert.equal(page.exitCode, 1);
  assert.match(page.terminal.notes[0] ?? "", /is no admin API: its answer is no JSON/);
});

test("an answer that breaks off is as good as none", async (t) => {
  for (const status of [200, 503]) {
    const { exitCode, terminal } = await run(t, ["cells"], () => ({ status, isCut: true }));
    assert.equal(exitCode, 3);
    assert.match(terminal.notes[0] ?? "", /can't be reached/);
  }
});

test("a change is waited for, with progress, and its end is the result", async (t) => {
  const running = { ...DRAIN, state: "running", moved: 4 };
  const done = { ...DRAIN, state: "done", moved: 10, finishedAt: 4_000 };
  const answer = ({ method }: Asked): Answer =>
    method === "POST"
      ? { status: 202, body: { operation: { ...DRAIN, state: "running" } } }
      : { events: event(running) + event(done) };
  const people = await run(t, ["drain", "eu-1"], answer);
  assert.equal(people.exitCode, 0);
  assert.deepEqual(people.terminal.lines, ["drain eu-1 is done after 3 s, 10 of 10"]);
  assert.match(people.terminal.notes[0] ?? "", /drain eu-1 {2}\[-+\]/);
  const programs = await run(t, ["drain", "eu-1", "--json"], answer);
  assert.deepEqual(JSON.parse(programs.terminal.text), done);
  assert.deepEqual(programs.terminal.notes, []);
  const hasty = await run(t, ["drain", "eu-1", "--no-wait"], answer);
  assert.equal(hasty.asked.length, 1);
  assert.match(hasty.terminal.text, /is under way, 0 of 10: drain-1/);
});

test("an admin API that ends in between is asked again", async (t) => {
  let streams = 0;
  const { exitCode, asked } = await run(t, ["ops", "drain-1", "--follow"], ({ path }) => {
    if (!path.endsWith("/events")) return { body: { ...DRAIN, state: "running" } };
    return { events: event({ ...DRAIN, state: ++streams < 3 ? "running" : "done" }) };
  });
  assert.equal(exitCode, 0);
  assert.equal(asked.length, 4);
});

test("a change that did not come to its end is no success", async (t) => {
  for (const state of ["failed", "superseded"]) {
    const body = { ...DRAIN, state, error: "the gateway is gone", finishedAt: 2_000 };
    const { exitCode, terminal } = await run(t, ["ops", "drain-1"], () => ({ body }));
    assert.equal(exitCode, 1);
    assert.match(
      terminal.text,
      state === "failed" ? /failed after 1 s: the gateway is gone/ : /was replaced/,
    );
  }
});

test("a tail shows messages, presence and signals, each in a line", async (t) => {
  const frames = [
    ["msg", { op: "msg", seq: 7, m: [{ id: "1", user: "al\u001bice", ts: 0, data: { t: "x\ny" } }] }],
    ["presence", { op: "presence", join: [{ user: "bob" }], leave: [{ user: "eve" }] }],
    ["signal", { op: "signal", user: "bob", data: "typing" }],
    ["seal", { op: "seal" }],
    ["gap", { op: "gap", after: 3, before: 9 }],
  ] as const;
  const events = frames.map(([name, frame]) => `event: ${name}\ndata: ${JSON.stringify(frame)}\n\n`).join("");
  const people = await run(t, ["tail", "demo", "chat.lobby", "--rewind", "5"], () => ({ events }));
  assert.deepEqual(people.terminal.lines, [
    '     7  1970-01-01 00:00:00Z  al\\u001bice  {"t":"x\\ny"}',
    "+ bob",
    "- eve",
    '~ bob signals "typing"',
    "! what lies between 3 and 9 can't be read any more",
  ]);
  assert.equal(people.asked[0]?.path, "/v1/tenants/demo/channels/chat.lobby/events?rewind=5");
  assert.equal(people.exitCode, 7, "it was the admin API that ended it");
  const programs = await run(t, ["tail", "demo", "chat.lobby", "--json"], () => ({ events }));
  assert.deepEqual(
    programs.terminal.lines.map((line) => JSON.parse(line)),
    frames.map(([, frame]) => frame),
  );
});

test("a message is JSON, in somebody's name", async (t) => {
  const body = { epoch: "e", seq: 3, ts: 0 };
  const args = ["publish", "demo", "chat.lobby"];
  const { asked, terminal } = await run(t, [...args, '{"a":1}', "--user", "ops", "--mid", "m"], () => ({
    body,
  }));
  assert.deepEqual(asked[0]?.body, { data: { a: 1 }, user: "ops", mid: "m" });
  assert.match(terminal.text, /stored as seq 3/);
  assert.equal((await run(t, [...args, "hello", "--user", "ops"], () => ({ body }))).exitCode, 2);
  assert.equal((await run(t, [...args, "1"], () => ({ body }))).exitCode, 2);
});

test("a token is made here where the secret is known, else by the admin API", async (t) => {
  const { asked, terminal } = await run(t, ["token", "demo", "alice", "--caps", "chat.>=sub,pub"], () => ({
    body: { token: "made-there", jti: "1", expiresAt: 0 },
  }));
  assert.deepEqual(terminal.lines, ["made-there"]);
  assert.deepEqual((asked[0]!.body as { caps: object }).caps, { "chat.>": ["sub", "pub"] });
  const here = new TestTerminal({ PLEXUS_TOKEN_SECRET: "s".repeat(32) });
  assert.equal(await runCli(["token", "demo", "alice", "--caps", "chat.>", "--ttl", "2h"], here), 0);
  const claims = JSON.parse(Buffer.from(here.text.split(".")[1]!, "base64url").toString());
  assert.equal(claims.sub, "alice");
  assert.equal(claims.exp - claims.iat, 7_200);
  assert.ok(claims.jti.length > 0);
  assert.equal(await runCli(["token", "demo", "alice", "--caps", "chat.>=fly"], here), 2);
});

test("help names every command and exit code", async () => {
  const terminal = new TestTerminal();
  assert.equal(await runCli(["help"], terminal), 0);
  for (const word of ["cells", "gateway drain <gateway>", "Exit codes", "130"])
    assert.ok(terminal.text.includes(word), word);
  const one = new TestTerminal();
  assert.equal(await runCli(["help", "gateway", "drain"], one), 0);
  assert.match(one.text, /--per-second N/);
  assert.equal(await runCli([], new TestTerminal()), 2);
});

test("help of a word, by help or by --help, shows the commands that begin with it", async () => {
  for (const argv of [
    ["help", "bot"],
    ["bot", "--help"],
  ]) {
    const terminal = new TestTerminal();
    assert.equal(await runCli(argv, terminal), 0);
    assert.match(terminal.text, /^ {2}bot revoke <tenant> <bot> {2}/m);
    assert.doesNotMatch(terminal.text, /cells/);
  }
  for (const argv of [
    ["help", "nope"],
    ["nope", "--help"],
    ["help", "bot", "nope"],
  ]) {
    const terminal = new TestTerminal();
    assert.equal(await runCli(argv, terminal), 2, argv.join(" "));
    assert.match(terminal.notes[0] ?? "", /there is no command "/);
  }
});

test("what is wrong with a command line points to the help of its command", async () => {
  for (const [argv, hint] of [
    [["history", "demo", "chat.lobby", "--limit", "x"], "See: plexus help history"],
    [["drain", "--foo"], "See: plexus help drain"],
    [["publish", "demo", "chat.lobby", "1"], "See: plexus help publish"],
    [["bot"], "See: plexus help bot"],
    [["nope"], "See: plexus help"],
  ] as const) {
    const terminal = new TestTerminal();
    assert.equal(await runCli(argv, terminal), 2);
    assert.equal(terminal.notes[1], hint);
  }
});

test("a token that allows nothing is made, and said to be that", async () => {
  const terminal = new TestTerminal({ PLEXUS_TOKEN_SECRET: "s".repeat(32) });
  assert.equal(await runCli(["token", "demo", "alice"], terminal), 0);
  assert.match(terminal.notes[0] ?? "", /Nothing is allowed with this token/);
});

test("docs/cli.md names every command, option and exit code", () => {
  const document = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
  for (const { name, options } of COMMANDS) {
    assert.ok(document.includes(`\`plexus ${name}`), name);
    for (const option of options) assert.ok(document.includes(`--${option}`), `${name} --${option}`);
  }
  for (const code of Object.values(EXIT)) assert.ok(document.includes(`| ${code} | `), String(code));
});

const STATS = {
  ts: 36_000_000,
  total: {
    connections: 2,
    channels: 30,
    publishesPerS: 20,
    deliveriesPerS: 40.5,
    errorsPerS: 0,
    refusalsPerS: 0,
    bytesInPerS: 100,
    bytesOutPerS: 900.4,
    publishMs: { p50: 1.2, p99: 4.8 },
    deliverMs: { p50: null, p99: null },
  },
  cells: {
    "eu-1": {
      workers: 2,
      channels: null,
      recordsPerS: 10,
      publishesPerS: 20,
      mailboxMs: { p50: 0.1, p99: 2 },
      cpu: 0.424,
    },
  },
  gateways: {
    g1: { connections: 2, publishesPerS: 20, deliveriesPerS: 40.5, loopLagMs: 0.31, cpu: 0.1, rssBytes: 1e8 },
  },
};

test("stats are tables, a dash where nothing was measured; watched, a line each second", async (t) => {
  const now = await run(t, ["stats"], () => ({ body: STATS }));
  assert.deepEqual(now.terminal.lines.slice(-5), [
    "CELL  WORKERS  CHANNELS  RECORDS/S  MESSAGES/S  MAILBOX MS  CPU",
    "eu-1        2  -                10          20  0.1 / 2     42 %",
    "",
    "GATEWAY  CONNECTIONS  PUBLISHES/S  DELIVERIES/S  LAG MS  CPU   MEMORY MB",
    "g1                 2           20          40.5     0.3  10 %         95",
  ]);
  assert.match(now.terminal.text, /publish ms, p50 \/ p99 {2}1\.2 \/ 4\.8\ndeliver ms, p50 \/ p99 {2}-\n/);
  const events = `event: stats\ndata: ${JSON.stringify(STATS)}\n\n`.repeat(2);
  const watched = await run(t, ["stats", "--watch"], () => ({ events }));
  assert.equal(watched.exitCode, 7, "it was the admin API that ended it");
  const [titles, ...rest] = watched.terminal.lines.map((line) => line.trim().split(/ {2,}/));
  assert.deepEqual(titles!.slice(0, 4), ["TIME", "CONNECTIONS", "PUBLISHES/S", "DELIVERIES/S"]);
  assert.deepEqual(rest[0], ["10:00:00", "2", "20", "40.5", "0", "0", "1.2 / 4.8", "-"]);
  assert.equal(rest.length, 2);
  const programs = await run(t, ["stats", "--watch", "--json"], () => ({ events }));
  assert.deepEqual(JSON.parse(programs.terminal.lines[1]!), STATS);
});
