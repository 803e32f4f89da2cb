import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCommandLine } from "./args.js";
import { CliError } from "./errors.js";
import { COMMANDS } from "./run.js";

function parse(...argv: string[]) {
  const { command, given } = parseCommandLine(argv, COMMANDS);
  return { name: command?.name, given };
}

function problem(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof CliError, String(error));
    assert.equal(error.exitCode, 2);
    return error.message;
  }
  throw new Error("nothing was wrong with it");
}

test("a command has one word or two, and options anywhere", () => {
  assert.equal(parse("cells").name, "cells");
  assert.equal(parse("--json", "cells").name, "cells");
  const { name, given } = parse("gateway", "drain", "--per-second", "5", "g1", "--no-wait");
  assert.equal(name, "gateway drain");
  assert.deepEqual(given.args, ["g1"]);
  assert.equal(given.count("per-second", 1), 5);
  assert.ok(given.has("no-wait"));
  assert.ok(!given.has("json"));
});

test("an argument may look like an option behind --", () => {
  const { given } = parse("publish", "demo", "chat.lobby", "--user", "ops", "--", "-5");
  assert.deepEqual(given.args, ["demo", "chat.lobby", "-5"]);
});

test("what is not right is said in one sentence", () => {
  assert.match(
    problem(() => parse("nonsense")),
    /there is no command "nonsense"/,
  );
  assert.match(
    problem(() => parse("gateway")),
    /"gateway" alone is no command; there is: gateway drain$/,
  );
  assert.match(
    problem(() => parse("bot", "creat", "demo")),
    /there is no command "bot creat"; is "bot create" meant\?/,
  );
  assert.match(
    problem(() => parse("celsl", "--json")),
    /there is no command "celsl"; is "cells" meant\?/,
  );
  assert.match(
    problem(() => parse("stats", "--wach")),
    /"stats" has no option --wach; is --watch meant\?/,
  );
  assert.match(
    problem(() => parse("cells", "-j")),
    /"cells" has no option -j$/,
  );
  assert.match(
    problem(() => parse("history", "a", "b", "--limit", "--json")),
    /--limit needs a value: --limit N/,
  );
  assert.match(
    problem(() => parse("channel", "demo")),
    /"channel" needs <channel>/,
  );
  assert.match(
    problem(() => parse("cells", "x")),
    /no further argument "x"/,
  );
  assert.match(
    problem(() => parse("cells", "--user", "x")),
    /"cells" has no option --user/,
  );
  assert.match(
    problem(() => parse("cells", "--nonsense")),
    /--nonsense/,
  );
  assert.match(
    problem(() => parse("cells", "--json=1")),
    /--json/,
  );
  assert.match(
    problem(() => parse("history", "a", "b", "--limit")),
    /--limit/,
  );
});

test("a last argument may come more than once, if the command says so", () => {
  assert.deepEqual(parse("tenant", "set", "acme", "a=1", "b=2").given.args, ["acme", "a=1", "b=2"]);
  assert.match(
    problem(() => parse("tenant", "set", "acme")),
    /"tenant set" needs <path=value…>/,
  );
});

test("help is given even where arguments are missing", () => {
  assert.ok(parse("channel", "--help").given.has("help"));
  assert.equal(parse().name, undefined);
});

test("numbers and times are checked", () => {
  const limit = (value: string) => parse("history", "a", "b", `--limit=${value}`).given.count("limit", 1);
  assert.equal(limit("10"), 10);
  for (const wrong of ["0", "-1", "1.5", "ten", ""])
    assert.match(
      problem(() => limit(wrong)),
      /--limit must be a whole number of at least 1/,
    );
  const ttl = (value: string) => parse("token", "a", "b", `--ttl=${value}`).given.spanMs("ttl");
  assert.equal(ttl("90s"), 90_000);
  assert.equal(ttl("12h"), 43_200_000);
  assert.equal(ttl("30d"), 2_592_000_000);
  for (const wrong of ["0s", "5", "h", "1w", "-1h"])
    assert.match(
      problem(() => ttl(wrong)),
      /--ttl must be/,
    );
});

test("every command is told apart, and every option that it takes exists", () => {
  const names = COMMANDS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, summary } of COMMANDS) assert.ok(summary.length > 0, name);
});

test("every command has an example, which can be read", () => {
  for (const { name, examples } of COMMANDS) {
    assert.ok(examples.length > 0, name);
    for (const example of examples) {
      const [first, ...words] = example
        .replace(/ +[#>].*$/, "")
        .match(/'[^']*'|\S+/g)!
        .map((word) => word.replaceAll("'", ""));
      assert.equal(first, "plexus", example);
      const { command } = parseCommandLine(words, COMMANDS);
      assert.ok(command?.name === name || words.at(-1) === "--help", `${example} is an example of ${name}`);
    }
  }
});

test("options may be repeated where they say so, else the last one counts", () => {
  assert.deepEqual(parse("token", "a", "b", "--caps", "x", "--caps=y").given.texts("caps"), ["x", "y"]);
  assert.equal(parse("history", "a", "b", "--limit", "1", "--limit", "2").given.text("limit"), "2");
  assert.equal(parse("settings", "put", "--file", "-").given.text("file"), "-");
});
