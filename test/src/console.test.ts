/** The console in a real browser, against a cluster: what operators see and do, by keyboard, with either role. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { skip } from "./harness/chromium.js";
import {
  activeId,
  activeTestId,
  consoleForFile,
  logIn,
  OPERATOR,
  READER,
  showView,
  stateOf,
  textOf,
} from "./harness/console.js";
import { until, within } from "./harness/wait.js";

const CHANNELS = 24;
const VIEWS = ["overview", "gateways", "channel/demo/chat.lobby", "user/demo/alice", "operations"];

const { cluster, open } = consoleForFile(async (running) => {
  const alice = await running.connect("alice");
  await alice.sub("chat.lobby", { presence: true });
  await alice.pub("chat.lobby", { text: "hello <b>you</b>" });
  for (let i = 0; i < CHANNELS; i++) await alice.pub(`chat.room-${i}`, i);
});

const show = (page: Page, view: string) => showView(page, cluster, view);

test("a wrong token is refused, a right one shows the cells; it stays out of the address and ends with the tab", {
  skip,
}, async () => {
  const { page, problems } = await open();
  await page.getByTestId("token").fill("w".repeat(32));
  await page.getByTestId("login").click();
  await until("the refusal", async () => /does not know/.test(await textOf(page, "login-problem")));
  await logIn(page, OPERATOR);
  for (const cell of ["eu-1", "us-1"]) {
    await until(`${cell} to be active`, async () => (await stateOf(page, `cell-${cell}`)) === "active");
    await page.getByTestId(`map-${cell}`).waitFor();
  }
  await page.locator('[data-testid="charts"][data-figures="live"]').waitFor();
  await until("the number of connections", async () => (await textOf(page, "value-open")) === "1");
  assert.ok(page.url().startsWith(`${cluster.dev.adminUrl}/console/`));
  assert.ok(!page.url().includes(OPERATOR));
  const stored = await page.evaluate<string>("JSON.stringify(localStorage) + document.cookie");
  assert.ok(!stored.includes(OPERATOR));
  await page.reload();
  await page.getByTestId("cells").waitFor();
  await page.getByTestId("leave").click();
  await page.getByTestId("login").waitFor();
  assert.equal(await page.evaluate("sessionStorage.getItem('plexus.console.token')"), null);
  assert.deepEqual(problems, []);
  await page.close();
});

test("by keyboard alone: between the views, into the dialog and out of it, a drain to its end, and back", {
  skip,
}, async () => {
  const { page, problems } = await open({ reducedMotion: "reduce" });
  await logIn(page, OPERATOR);
  await page.getByTestId("tab-overview").focus();
  for (const view of ["gateways", "channel"]) {
    await page.keyboard.press("ArrowRight");
    await page.locator(`#panel-${view}`).waitFor();
    assert.equal(await activeId(page), `tab-${view}`);
  }
  await page.keyboard.press("Home");
  await page.getByTestId("drain-us-1").waitFor();
  await until("the focus to reach the button", async () => {
    await page.keyboard.press("Tab");
    return (await activeTestId(page)) === "drain-us-1";
  });
  await page.keyboard.press("Enter");
  await page.getByTestId("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("dialog").waitFor({ state: "detached" });
  assert.equal(await activeTestId(page), "drain-us-1", "the focus is back where it was");

  await page.keyboard.press("Enter");
  await page.getByTestId("confirm-name").waitFor();
  assert.equal(await activeTestId(page), "confirm-name");
  await page.keyboard.type("eu-1");
  await page.keyboard.press("Enter");
  assert.ok(await page.getByTestId("confirm").isDisabled(), "another cell's name confirms nothing");
  await page.getByTestId("confirm-name").fill("");
  await page.keyboard.type("us-1");
  await page.keyboard.press("Enter");
  await until("the focus to be on the progress", async () => (await activeId(page)) === "under-way");
  await until("the drain to be done", async () => (await stateOf(page, "progress")) === "done");
  assert.match(await textOf(page, "progress-text"), /^(\d+) of \1 channels$/);
  await until("a word about it", async () => /us-1 is drained/.test(await textOf(page, "announced")));
  await until("the cell to be drained", async () => (await stateOf(page, "cell-us-1")) === "drained");
  assert.equal(await page.getByTestId("drain-eu-1").count(), 0, "the last active cell can't be drained");

  await page.getByTestId("activate-us-1").focus();
  await page.keyboard.press("Enter");
  await page.getByTestId("confirm").waitFor();
  assert.equal(await activeTestId(page), "cancel", "Enter alone changes nothing");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await until("the cell to be active", async () => (await stateOf(page, "cell-us-1")) === "active");
  await show(page, "operations");
  await until("both to be in the history", async () => {
    const states = await page
      .getByTestId("operation")
      .filter({ hasText: /(drain|activate) us-1/ })
      .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-state")));
    return states.join() === "done,done";
  });
  assert.deepEqual(problems, []);
  await page.close();
});

test("a channel: home, members, messages as they come; a test message is stored and seen by all", {
  skip,
}, async () => {
  const { page, problems } = await open();
  await logIn(page, OPERATOR);
  await show(page, "channel");
  await page.getByTestId("name").fill("chat.lobby");
  await page.keyboard.press("Enter");
  const { cell, partition } = await cluster.ownerOf("chat.lobby");
  await until("the home cell", async () => (await page.getByTestId("fact-cell").count()) === 1);
  assert.equal(await textOf(page, "fact-cell"), cell);
  assert.equal(await textOf(page, "fact-partition"), String(partition));
  assert.match(await textOf(page, "fact-worker"), new RegExp(`^${cell}-w`));
  await page.locator('[data-testid="member"][data-user="alice"]').waitFor();
  await page.locator('[data-testid="message"][data-seq="1"]').waitFor();
  assert.ok((await page.getByTestId("messages").textContent())?.includes("hello <b>you</b>"), "as text");

  const bob = await cluster.connect("bob");
  await bob.sub("chat.lobby", { presence: true });
  await bob.pub("chat.lobby", "here I am");
  await page.locator('[data-testid="message"][data-seq="2"]').waitFor();
  await page.locator('[data-testid="member"][data-user="bob"]').waitFor();
  await page.getByTestId("publish-data").fill('{"text": "from the console"');
  await page.getByTestId("publish").click();
  await until("the refusal", async () => /no JSON/.test(await textOf(page, "published")));
  await page.getByTestId("publish-data").fill('{"text": "from the console"}');
  await page.getByTestId("publish").click();
  await until("the position", async () => /seq 3/.test(await textOf(page, "published")));
  const received = await bob.until("the test message", ({ op, seq }) => op === "msg" && seq === 3);
  assert.match(JSON.stringify(received.m), /from the console/);
  await page.locator('[data-testid="message"][data-seq="3"]').waitFor();

  await page.locator('[data-testid="member"][data-user="bob"] a').click();
  await page.getByTestId("connection").waitFor();
  await page.getByTestId("disconnect").click();
  await page.getByTestId("confirm").click();
  assert.equal((await within("Bob to be disconnected", bob.closed)).code, 4504);
  await page.getByTestId("not-connected").waitFor();
  assert.deepEqual(problems, []);
  await page.close();
});

test("a token with the role read sees everything and is offered nothing; what the API refuses is said", {
  skip,
}, async () => {
  const { page } = await open();
  await logIn(page, READER);
  const buttons = page.locator("main button:not(.label button):not(.finder button)");
  for (const view of VIEWS) {
    await show(page, view);
    if (view.startsWith("channel")) await page.getByTestId("fact-cell").waitFor();
    if (view.startsWith("user")) await page.getByTestId("connection").waitFor();
    assert.deepEqual(await buttons.allTextContents(), [], view);
  }
  // Whatever the page believes, the API decides.
  await page.route("**/v1/me", (route) => route.fulfill({ json: { name: "looker", role: "operate" } }));
  await page.reload();
  await show(page, "overview");
  await page.getByTestId("drain-eu-1").click();
  await page.getByTestId("confirm-name").fill("eu-1");
  await page.getByTestId("confirm").click();
  await until("the refusal", async () => /does not allow/.test(await textOf(page, "dialog-problem")));
  assert.equal(await stateOf(page, "cell-eu-1"), "active");
  await page.close();
});

test("what is parked is shown apart, and run again by a button", { skip }, async () => {
  const { page } = await open();
  const parked = { id: "drain-x-1", kind: "drain", cell: "eu-1", state: "parked", moved: 3, total: 9 };
  const operation = { ...parked, startedAt: Date.now(), error: "us-1: the log does not answer" };
  let retried = "";
  await page.route("**/v1/operations", (route) => route.fulfill({ json: { operations: [operation] } }));
  await page.route("**/v1/operations/*/events", (route) => route.abort());
  await page.route("**/v1/operations/*/retry", (route) => {
    retried = new URL(route.request().url()).pathname;
    return route.fulfill({ status: 202, json: { operation: { ...operation, state: "running" } } });
  });
  await logIn(page, OPERATOR);
  await page.getByTestId("under-way").getByText("the log does not answer").waitFor();
  await show(page, "operations");
  await page.getByTestId("parked").getByTestId("run-again").click();
  await until("the order", () => retried === "/v1/operations/drain-x-1/retry");
  await page.close();
});

test("an API without figures is said to have none; a token that is taken away leads back to the login", {
  skip,
}, async () => {
  const { page } = await open();
  const error = { code: "not_found", message: "there is no GET here" };
  await page.route("**/v1/stats", (route) => route.fulfill({ status: 404, json: { error } }));
  await logIn(page, OPERATOR);
  await page.getByTestId("no-figures").waitFor();
  const refusal = { code: "unauthorized", message: "send a valid token" };
  await page.route("**/v1/cells", (route) => route.fulfill({ status: 401, json: { error: refusal } }));
  await page.getByTestId("login").waitFor();
  assert.match(await textOf(page, "login-problem"), /not valid any more/);
  await page.close();
});

test("on narrow and wide screens, in light and dark, nothing is wider than the screen", {
  skip,
}, async () => {
  for (const colorScheme of ["light", "dark"] as const) {
    const { page } = await open({ viewport: { width: 400, height: 800 }, colorScheme });
    const assertFits = async (what: string) => {
      const [content, screen] = await page.evaluate<[number, number]>(
        "[document.documentElement.scrollWidth, innerWidth]",
      );
      assert.ok(content <= screen, `${what}, ${colorScheme}: ${content} in ${screen}`);
      const spilt = await page.evaluate<string[]>(
        "[...document.querySelectorAll('.panel')].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)",
      );
      assert.deepEqual(spilt, [], `${what}, ${colorScheme}: panels with more than fits`);
    };
    await page.route("**/v1/gateways", async (route) => {
      const response = await route.fetch();
      const { gateways } = (await response.json()) as { gateways: object[] };
      const large = { connections: 48_765, channels: 123_456, startedAt: Date.now() - 86_000_000 };
      await route.fulfill({ json: { gateways: gateways.map((one) => ({ ...one, ...large })) } });
    });
    await assertFits("the login");
    await logIn(page, OPERATOR);
    const colour = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    assert.equal(colour === "rgb(17, 19, 21)", colorScheme === "dark", colour);
    for (const view of VIEWS) {
      await show(page, view);
      if (view.startsWith("channel")) await page.getByTestId("member").first().waitFor();
      for (const width of [320, 400, 900, 1_040, 1_280, 1_600]) {
        await page.setViewportSize({ width, height: 800 });
        await assertFits(`${view} at ${width}`);
      }
      await page.setViewportSize({ width: 400, height: 800 });
    }
    await show(page, "overview");
    await page.getByTestId("drain-eu-1").click();
    await assertFits("a dialog");
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.close();
  }
});

test("the switch of colours goes round and is remembered", { skip }, async () => {
  const { page } = await open({ colorScheme: "light" });
  const background = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const light = await background();
  for (const choice of ["light", "dark"]) {
    await page.getByTestId("theme").click();
    await page.locator(`[data-testid="theme"][data-choice="${choice}"]`).waitFor();
  }
  assert.notEqual(await background(), light);
  await page.reload();
  await page.locator('[data-testid="theme"][data-choice="dark"]').waitFor();
  await page.close();
});

test("while the admin API is away the page says so, marks what is old, and finds it again", {
  skip,
}, async () => {
  const { page, problems } = await open();
  await logIn(page, OPERATOR);
  await page.locator('[data-testid="charts"][data-figures="live"]').waitFor();
  const admin = cluster.process("admin");
  const exited = admin.exited;
  admin.kill("SIGKILL");
  await within("the end of the admin process", exited);
  await page.getByTestId("banner").waitFor();
  assert.equal(await page.getByTestId("main").getAttribute("data-stale"), "true");
  assert.equal(await stateOf(page, "cell-eu-1"), "active", "what was known is still shown");
  await admin.start();
  await page.getByTestId("banner").getByRole("button").click();
  await page.getByTestId("banner").waitFor({ state: "detached" });
  await page.locator('[data-testid="main"][data-stale="false"]').waitFor();
  await page.locator('[data-testid="charts"][data-figures="live"]').waitFor();
  assert.deepEqual(problems, []);
  await page.close();
});
