import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseCommandLine } from "./args.js";
import { CliError } from "./errors.js";
import { findInstallation, findTokenSecret } from "./installation.js";
import { COMMANDS } from "./run.js";

const DEV = { adminUrl: "http://127.0.0.1:1", adminToken: "of-the-file", tokenSecret: "secret-of-the-file" };

function given(...options: string[]) {
  return parseCommandLine(["cells", ...options], COMMANDS).given;
}

function folderWith(t: TestContext, dev: object | null): string {
  const folder = mkdtempSync(join(tmpdir(), "plexus-cli-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, ".plexus"));
  mkdirSync(join(folder, "below"));
  if (dev !== null) writeFileSync(join(folder, ".plexus", "dev.json"), JSON.stringify(dev));
  return folder;
}

function failure(act: () => unknown): CliError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof CliError, String(error));
    return error;
  }
  throw new Error("it was found");
}

test("flags come before the environment, and that before what runs here", (t) => {
  const cwd = folderWith(t, DEV);
  const env = { PLEXUS_ADMIN_URL: "http://env:1", PLEXUS_ADMIN_TOKEN: "of-the-env" };
  const flags = given("--admin-url", "https://flag:1/", "--admin-token", "of-the-flag");
  assert.deepEqual(findInstallation(flags, env, cwd), {
    adminUrl: "https://flag:1",
    adminToken: "of-the-flag",
  });
  assert.deepEqual(findInstallation(given(), env, cwd), {
    adminUrl: "http://env:1",
    adminToken: "of-the-env",
  });
  const here = { adminUrl: DEV.adminUrl, adminToken: DEV.adminToken };
  assert.deepEqual(findInstallation(given(), {}, cwd), here);
});

test("what runs here is found from a folder below, and by its data folder", (t) => {
  const cwd = folderWith(t, DEV);
  assert.equal(findInstallation(given(), {}, join(cwd, "below")).adminToken, DEV.adminToken);
  assert.equal(findInstallation(given("--data", ".plexus"), {}, cwd).adminToken, DEV.adminToken);
});

test("without an installation the error says what to do", (t) => {
  const cwd = folderWith(t, null);
  const nothing = failure(() => findInstallation(given("--data", ".plexus"), {}, cwd));
  assert.equal(nothing.exitCode, 3);
  assert.match(nothing.hint ?? "", /npm start/);
  const noAdmin = folderWith(t, { ...DEV, adminUrl: null });
  assert.match(failure(() => findInstallation(given(), {}, noAdmin)).message, /without an admin API/);
  const wrong = given("--admin-url", "localhost:9080", "--admin-token", "x");
  assert.equal(failure(() => findInstallation(wrong, {}, cwd)).exitCode, 2);
});

test("the secret that signs tokens is not taken from another installation", (t) => {
  const cwd = folderWith(t, DEV);
  assert.equal(findTokenSecret(given(), {}, cwd), DEV.tokenSecret);
  assert.equal(findTokenSecret(given(), { PLEXUS_TOKEN_SECRET: "of-the-env" }, cwd), "of-the-env");
  assert.equal(findTokenSecret(given("--admin-url", "http://far:1"), {}, cwd), undefined);
});
