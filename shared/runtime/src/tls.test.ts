import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ConfigError } from "./config.js";
import { selfSigned } from "./testing/index.js";
import { readTls } from "./tls.js";

const folder = mkdtempSync(join(tmpdir(), "plexus-test-tls-"));
after(() => rmSync(folder, { recursive: true }));

test("certificate and key are read, and it is said what is wrong with them", () => {
  const { certFile, keyFile, cert } = selfSigned(folder);
  assert.ok(new X509Certificate(cert).checkIP("127.0.0.1"));
  assert.equal(readTls(certFile, keyFile, "TLS")?.cert.toString(), cert);
  assert.equal(readTls(undefined, undefined, "TLS"), undefined);
  const other = join(folder, "other.pem");
  writeFileSync(other, "nonsense");
  for (const [certificate, key, message] of [
    [certFile, undefined, /TLS: .*both/],
    [undefined, keyFile, /TLS: .*both/],
    [certFile, join(folder, "missing"), /TLS: .*missing can't be read \(ENOENT\)/],
    [certFile, other, /TLS: .*can't be used/],
  ] as const)
    assert.throws(() => readTls(certificate, key, "TLS"), { name: ConfigError.name, message });
  const { keyFile: foreign } = selfSigned(mkdtempSync(join(folder, "x")));
  assert.throws(() => readTls(certFile, foreign, "TLS"), /can't be used/);
});
