/** Configuration from the environment: everything that is wrong is said at once, and no secret is ever shown. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { ConfigError, describeOptions, option, readOptions } from "./config.js";
import { brokerUrl, commonOptions, flag, integer, name } from "./options.js";

const SECRET = "s3cret-value";

const declarations = {
  id: option({ env: "PLEXUS_ID", type: name, doc: "Name of this process." }),
  port: option({ env: "PLEXUS_PORT", type: integer(1, 65_535), default: 8_080, doc: "Port." }),
  demo: option({ env: "PLEXUS_DEMO", type: flag, default: false, doc: "Whether to serve the demo." }),
  natsUrl: option({ env: "NATS_URL", type: brokerUrl, default: "nats://x", doc: "Where NATS is." }),
  secret: option({ env: "PLEXUS_SECRET", type: z.string().min(9), secret: true, doc: "Signs tokens." }),
};
const NEEDED = { PLEXUS_ID: "g1", PLEXUS_SECRET: SECRET };

function problemsOf(env: Record<string, string>): string[] {
  try {
    readOptions(declarations, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split("\n");
  }
  return [];
}

test("values are read with their types; what is unset or empty has its default", () => {
  const env = { ...NEEDED, PLEXUS_PORT: "9000", PLEXUS_DEMO: "1", NATS_URL: "" };
  assert.deepEqual(readOptions(declarations, env), {
    id: "g1",
    port: 9_000,
    demo: true,
    natsUrl: "nats://x",
    secret: SECRET,
  });
});

test("an option without a default is required, and says what it is for", () => {
  assert.deepEqual(problemsOf({ PLEXUS_SECRET: SECRET }), ["PLEXUS_ID is required: Name of this process."]);
  assert.deepEqual(problemsOf({ ...NEEDED, PLEXUS_ID: "" }), [
    "PLEXUS_ID is required: Name of this process.",
  ]);
});

test("a secret may be in a file, without the end of its last line", () => {
  const folder = mkdtempSync(join(tmpdir(), "plexus-config-"));
  const file = join(folder, "secret");
  try {
    writeFileSync(file, `${SECRET}\n`);
    assert.equal(readOptions(declarations, { PLEXUS_ID: "g1", PLEXUS_SECRET_FILE: file }).secret, SECRET);
    assert.deepEqual(problemsOf({ ...NEEDED, PLEXUS_SECRET_FILE: file }), [
      "PLEXUS_SECRET and PLEXUS_SECRET_FILE are both set: only one of them may be",
    ]);
    writeFileSync(file, "short");
    const [problem, ...more] = problemsOf({ PLEXUS_ID: "g1", PLEXUS_SECRET_FILE: file });
    assert.match(problem!, /^PLEXUS_SECRET: its value is not right/);
    assert.doesNotMatch(problem!, /"short"/);
    assert.deepEqual(more, []);
    // Only what is secret: of the others each has one name.
    assert.deepEqual(problemsOf({ ...NEEDED, PLEXUS_PORT_FILE: file }), [
      "PLEXUS_PORT_FILE is not an option of this process",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a file that can't be read is told with its name, and once", () => {
  const problems = problemsOf({ PLEXUS_ID: "g1", PLEXUS_SECRET_FILE: "/nowhere/secret" });
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /^PLEXUS_SECRET_FILE: ENOENT.*\/nowhere\/secret/);
});

test("an option whose default is undefined may be left out", () => {
  const file = option<string | undefined>({
    env: "PLEXUS_FILE",
    type: z.string().optional(),
    default: undefined,
    doc: "",
  });
  assert.deepEqual(readOptions({ file }, {}), { file: undefined });
});

test("a PLEXUS_ variable that is no option is an error: it is a misspelt one, usually", () => {
  assert.deepEqual(problemsOf({ ...NEEDED, PLEXUS_PROT: "9000", PLEXUS_: "1" }), [
    "PLEXUS_PROT is not an option of this process",
    "PLEXUS_ is not an option of this process",
  ]);
  assert.deepEqual(problemsOf({ ...NEEDED, OTHER_PORT: "1", plexus_port: "1", XPLEXUS_A: "1" }), []);
});

test("all problems are said at once", () => {
  const problems = problemsOf({ PLEXUS_PORT: "http", PLEXUS_DEMO: "yes", PLEXUS_OTHER: "1" });
  assert.equal(problems.length, 5);
  for (const variable of ["ID", "PORT", "DEMO", "SECRET", "OTHER"])
    assert.ok(
      problems.some((problem) => problem.startsWith(`PLEXUS_${variable}`)),
      variable,
    );
});

test("a malformed value is shown, unless it is secret", () => {
  const [shown] = problemsOf({ ...NEEDED, PLEXUS_ID: "Not A Name" });
  assert.match(shown ?? "", /^PLEXUS_ID: "Not A Name" is not right: only a-z/);
  const [hidden] = problemsOf({ ...NEEDED, PLEXUS_SECRET: "tooshort" });
  assert.match(hidden ?? "", /^PLEXUS_SECRET: its value is not right/);
  assert.doesNotMatch(hidden ?? "", /tooshort/);
});

test("help shows every option with its default, but no secret", () => {
  const withDefault = {
    ...declarations,
    key: option({ env: "K", type: z.string(), default: SECRET, secret: true, doc: "Key." }),
  };
  const help = describeOptions(withDefault);
  for (const { env, doc } of Object.values(withDefault)) {
    assert.ok(help.includes(env));
    assert.ok(help.includes(doc));
  }
  assert.match(help, /PLEXUS_PORT \(8080\)/);
  assert.match(help, /PLEXUS_ID \(required\)/);
  assert.match(help, /K \(secret\)/);
  assert.equal(help.includes(SECRET), false);
});

test("integers have bounds; flags are true or false; names fit a subject", () => {
  const valid = (type: z.ZodType, text: string) => type.safeParse(text).success;
  for (const text of ["1", "65535"]) assert.ok(valid(integer(1, 65_535), text), text);
  for (const text of ["0", "65536", "1.5", "a", "1e99", "-1", "1,000", "NaN", "Infinity"])
    assert.equal(valid(integer(1, 65_535), text), false, text);
  assert.deepEqual(
    ["true", "1", "false", "0"].map((text) => flag.parse(text)),
    [true, true, false, false],
  );
  for (const text of ["yes", "TRUE", "2"]) assert.equal(valid(flag, text), false, text);
  for (const text of ["g1", "eu-1-w2", "a".repeat(40)]) assert.ok(valid(name, text), text);
  for (const text of ["G1", "a.b", "a b", "*", ">", "a".repeat(41)])
    assert.equal(valid(name, text), false, text);
});

test("what every process has can be left out altogether", () => {
  const options = readOptions(commonOptions, {});
  assert.equal(options.natsUrl, "nats://127.0.0.1:4222");
  assert.equal(options.opsHost, "127.0.0.1");
  assert.equal(options.exitWithStdin, false);
});
