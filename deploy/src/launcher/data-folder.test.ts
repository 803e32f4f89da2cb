import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DataFolder } from "./data-folder.js";
import { type DevFile, devFilePath, readDevFile, writeDevFile } from "./dev-file.js";
import { temporaryFolder } from "./fixtures/helpers.js";
import { LogFile } from "./log-file.js";

const MODULE = new URL("data-folder.js", import.meta.url).href;
/** It takes a few milliseconds, and the start of a process. */
const REFUSED_WITHIN_MS = 10_000;
const DEV: DevFile = {
  url: "http://127.0.0.1:8080",
  adminUrl: null,
  adminToken: "a",
  tokenSecret: "t",
  natsUrl: "nats://127.0.0.1:4222",
  redisUrl: "redis://127.0.0.1:6379",
  processes: [{ kind: "worker", id: "eu-1-w1", cell: "eu-1", pid: 1, opsUrl: "http://127.0.0.1:1" }],
};

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

test("secrets are made once, long enough, and for their owner only", (t) => {
  const path = temporaryFolder(t);
  const first = new DataFolder(path);
  first.close();
  const second = new DataFolder(path);
  second.close();
  assert.deepEqual(second.secrets, first.secrets);
  assert.notEqual(first.secrets.adminToken, first.secrets.tokenSecret);
  assert.ok(Buffer.from(first.secrets.tokenSecret, "base64url").length >= 32);
  assert.equal(modeOf(join(path, "secrets.json")), 0o600);
});

test("a folder is made with all that leads to it, for its owner only", (t) => {
  const path = join(temporaryFolder(t), "a", "b");
  new DataFolder(path).close();
  assert.deepEqual([modeOf(join(path, "..")), modeOf(path)], [0o700, 0o700]);
});

test("a folder that can't be made is refused at once", (t) => {
  const file = join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  for (const path of [file, join(file, "x"), "/proc/x/y"]) {
    // In a process of its own: what does not end is no matter of a deadline in this one.
    const program = `new (await import(${JSON.stringify(MODULE)})).DataFolder(${JSON.stringify(path)})`;
    const { stderr, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      timeout: REFUSED_WITHIN_MS,
      killSignal: "SIGKILL",
      encoding: "utf8",
    });
    assert.equal(signal, null, path);
    assert.match(stderr, /can't be made \(E[A-Z]+\): name another data folder with --data/);
  }
});

test("secrets that were damaged are not replaced silently", (t) => {
  const path = temporaryFolder(t);
  writeFileSync(join(path, "secrets.json"), '{"tokenSecret":"short"}');
  assert.throws(() => new DataFolder(path), /secrets\.json does not hold two secrets/);
  assert.deepEqual(readdirSync(path).sort(), ["logs", "secrets.json"]);
});

test("dev.json is for its owner only, is read back as written, and is gone after close", (t) => {
  const path = temporaryFolder(t);
  const folder = new DataFolder(path);
  assert.throws(() => readDevFile(path), /is Plexus running/);
  writeDevFile(path, DEV);
  assert.deepEqual(readDevFile(path), DEV);
  assert.equal(modeOf(devFilePath(path)), 0o600);
  folder.close();
  assert.deepEqual(readdirSync(path).sort(), ["logs", "secrets.json"]);
});

test("a second launcher is refused while the first one lives", (t) => {
  const path = temporaryFolder(t);
  const folder = new DataFolder(path);
  assert.throws(() => new DataFolder(path), new RegExp(`Another launcher \\(process ${process.pid}\\)`));
  folder.close();
  new DataFolder(path).close();
});

test("what a dead launcher left behind is taken over", (t) => {
  const path = temporaryFolder(t);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  for (const stale of [`{"pid":${pid},"startedAt":null}`, `{"pid":${pid},"startedAt":"1"}`, ""]) {
    writeFileSync(join(path, "launcher.lock"), stale);
    writeDevFile(path, DEV);
    const folder = new DataFolder(path);
    assert.equal(existsSync(devFilePath(path)), false);
    assert.equal(JSON.parse(readFileSync(join(path, "launcher.lock"), "utf8")).pid, process.pid);
    folder.close();
  }
});

test("a pid that by now is another process's does not count", {
  skip: !existsSync("/proc/self/stat") && "needs /proc",
}, (t) => {
  const path = temporaryFolder(t);
  writeFileSync(join(path, "launcher.lock"), `{"pid":${process.pid},"startedAt":"1"}`);
  new DataFolder(path).close();
});

test("a log keeps to its bound and shows its end", (t) => {
  const path = join(temporaryFolder(t), "x.log");
  const log = new LogFile(path, 100);
  for (let n = 0; n < 50; n++) log.write(Buffer.from(`line ${n}\n`));
  assert.equal(log.tail(2), "line 48\nline 49");
  log.close();
  log.write(Buffer.from("after the end\n"));
  assert.ok(statSync(path).size <= 100);
  assert.ok(statSync(`${path}.1`).size <= 100);
  assert.match(readFileSync(`${path}.1`, "utf8"), /line \d+\n$/);
  new LogFile(path, 100).close();
  assert.match(readFileSync(path, "utf8"), /line 49\n$/, "what was there stays");
});
