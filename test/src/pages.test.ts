/** The gateway with a certificate of its own, and what its pages tell browsers. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { selfSigned } from "@plexus/runtime/testing";
import { WebSocket } from "ws";
import { launchBrowser, skip } from "./harness/chromium.js";
import { clusterForFile } from "./harness/cluster.js";
import { until, within } from "./harness/wait.js";

const folder = mkdtempSync(join(tmpdir(), "plexus-test-pages-"));
after(() => rmSync(folder, { recursive: true }));
const { cert, certFile, keyFile } = selfSigned(folder);
const cluster = clusterForFile({
  demo: true,
  gatewayEnv: { PLEXUS_TLS_CERT_FILE: certFile, PLEXUS_TLS_KEY_FILE: keyFile },
});

interface Page {
  status: number;
  headers: Record<string, string | undefined>;
  body: string;
}

function fetchPage(path: string, options: object = {}): Promise<Page> {
  const url = cluster.dev.url.replace("http:", "https:") + path;
  const page = new Promise<Page>((resolve, reject) => {
    const asked = get(url, { ca: cert, agent: false, ...options }, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then((body) => resolve({ status, headers: headers as Page["headers"], body }), reject);
    });
    asked.once("error", reject);
  });
  return within(`an answer to ${path}`, page);
}

test("pages run and load what is their own, and are shown nowhere else", async () => {
  for (const [path, status] of [
    ["/", 200],
    ["/app.js", 200],
    ["/style.css", 200],
    ["/plexus-client.js", 200],
    ["/demo/token?user=ada", 200],
    ["/demo/token", 400],
    ["/nowhere", 404],
  ] as const) {
    const page = await fetchPage(path);
    assert.equal(page.status, status, path);
    const policy = page.headers["content-security-policy"] ?? "";
    assert.ok(!/unsafe|\*/.test(policy), policy);
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      assert.ok(policy.includes(rule), `${path}: ${rule}`);
    assert.equal(page.headers["x-content-type-options"], "nosniff");
    assert.equal(page.headers["referrer-policy"], "no-referrer");
    assert.match(page.headers["permissions-policy"] ?? "", /camera=\(\)/);
    assert.equal(page.headers["cache-control"], /\.|^\/$/.test(path) ? "no-cache" : "no-store", path);
  }
  const { body } = await fetchPage("/");
  assert.doesNotMatch(body, /<script(?![^>]*src=)|<style|style=|\son\w+=/, "nothing inline");
});

test("clients connect over TLS 1.2 or newer, and in no other way", async () => {
  const connect = (url: string, options: object) =>
    new Promise<string>((resolve, reject) => {
      const socket = new WebSocket(url, "plexus.v1.json", options);
      socket.once("error", reject);
      socket.once("message", (data: Buffer) => {
        resolve(data.toString());
        socket.close();
      });
      socket.once("open", () => void hello(socket));
    });
  const hello = async (socket: WebSocket) =>
    socket.send(JSON.stringify({ op: "hello", id: 1, token: await cluster.token("ada") }));
  const secure = cluster.url.replace("ws:", "wss:");
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const options = { ca: cert, minVersion: version, maxVersion: version };
    assert.match(await within("the welcome", connect(secure, options)), /"op":"welcome"/);
  }
  await assert.rejects(connect(secure, {}), /self.signed/i);
  await assert.rejects(connect(cluster.url, {}));
  await assert.rejects(
    fetchPage("/", { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
  );
});

test("the demo works over TLS; what people call themselves and write is text, and a script in it would not run", {
  skip,
}, async () => {
  const { browser, close } = await launchBrowser();
  cluster.beforeStop(close);
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  const violations: string[] = [];
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) violations.push(message.text());
  });
  const script = '<img src="x" onerror="document.title=1">';
  await page.goto(cluster.dev.url.replace("http:", "https:"));
  await page.getByTestId("name-input").fill(script);
  await page.getByTestId("join").click();
  await page.locator('[data-testid="connection-state"][data-state="connected"]').waitFor();
  await page.getByTestId("composer").fill(script);
  await page.getByTestId("send").click();
  await page.locator('[data-testid="message"][data-state="delivered"]').waitFor();
  assert.equal(await page.locator('[data-testid="message"] .text').textContent(), script);
  assert.equal(await page.locator('img[src="x"]').count(), 0);
  assert.deepEqual(violations, [], "the page itself needs nothing that its policy forbids");

  await page.locator("body").evaluate((body, html) => {
    (body as unknown as { insertAdjacentHTML(where: string, html: string): void }).insertAdjacentHTML(
      "beforeend",
      html,
    );
  }, script);
  await until("the browser to refuse it", () => violations.length > 0);
  assert.notEqual(await page.title(), "1");
});
