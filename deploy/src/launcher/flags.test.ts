import assert from "node:assert/strict";
import { test } from "node:test";
import { FlagError, helpText, parseFlags } from "./flags.js";

test("without flags the documented layout is taken", () => {
  assert.deepEqual(parseFlags([]), {
    host: "127.0.0.1",
    port: 8080,
    adminPort: 9080,
    cells: ["eu-1", "us-1"],
    workers: 2,
    gateways: 2,
    data: ".plexus",
    isolated: false,
    help: false,
  });
});

test("every flag is read, with a space or an equals sign", () => {
  const flags = parseFlags(
    "--port 1 --admin-port=2 --host 0.0.0.0 --cells asia-east-1,eu-2 --workers=3 --gateways 4 --data /x --help".split(
      " ",
    ),
  );
  assert.deepEqual(flags, {
    host: "0.0.0.0",
    port: 1,
    adminPort: 2,
    cells: ["asia-east-1", "eu-2"],
    workers: 3,
    gateways: 4,
    data: "/x",
    isolated: false,
    help: true,
  });
});

const REFUSED: [argv: string, message: RegExp][] = [
  ["--prot 1", /--prot is unknown/],
  ["--no-port", /--no-port is unknown/],
  ["-x", /-x is unknown/],
  ["8080", /"8080" is not a flag/],
  ["-- 8080", /"8080" is not a flag/],
  ["--port", /--port needs a value/],
  ["--port=", /--port must be a whole number/],
  ["--port 65536", /--port must be a whole number between 0 and 65535, not "65536"/],
  ["--port 80.5", /whole number/],
  ["--port 1e3", /whole number/],
  ["--port -1", /--port|-1/],
  ["--port 1 --port 2", /--port is given twice/],
  ["--port 7 --admin-port 7", /must differ/],
  ["--workers 0", /--workers must be a whole number between 1 and 16/],
  ["--gateways 17", /--gateways must be/],
  ["--cells EU-1", /--cells must be names like eu-1/],
  ["--cells eu", /--cells must be names like eu-1/],
  ["--cells eu-1,,us-1", /--cells must be names like eu-1/],
  ["--cells eu-1,eu-1", /--cells must be different names/],
  ["--host a/b", /--host must be an IP address/],
  ["--data=", /--data must be the path of a folder/],
];

for (const [argv, message] of REFUSED) {
  test(`${argv} is refused`, () => {
    assert.throws(
      () => parseFlags(argv.split(" ")),
      (error) => error instanceof FlagError && message.test(error.message),
    );
  });
}

test("two port 0 do not collide: each takes a free one", () => {
  assert.equal(parseFlags(["--port", "0", "--admin-port", "0"]).port, 0);
});

test("the help names every flag", () => {
  for (const flag of [
    "--port",
    "--admin-port",
    "--host",
    "--cells",
    "--workers",
    "--gateways",
    "--data",
    "--help",
  ]) {
    assert.match(helpText(), new RegExp(`^ {2}${flag}\\b`, "m"));
  }
});

test("--isolated is a switch", () => {
  assert.equal(parseFlags(["--isolated"]).isolated, true);
  assert.throws(() => parseFlags(["--isolated", "yes"]), FlagError);
});
