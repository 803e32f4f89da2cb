/** Two people chat on the demo page, in two rooms over one connection each; a gateway is killed in the midst. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { NO_BROWSER, TestBrowser } from "./harness/browser.js";
import { TestCluster } from "./harness/cluster.js";
import { until } from "./harness/wait.js";

const cluster = new TestCluster({ cells: ["eu-1", "us-1"], workers: 1, gateways: 2, demo: true });
const browser = new TestBrowser();

before(async () => {
  if (NO_BROWSER) return;
  await cluster.start();
  await browser.start();
});
after(async () => {
  if (NO_BROWSER) return;
  await browser.stop();
  await cluster.stop();
});

async function join(page: Page, name: string): Promise<void> {
  await page.goto(cluster.dev.url);
  await page.getByTestId("name-input").fill(name);
  await page.getByTestId("join").click();
  await until(`${name} to be connected`, async () => (await state(page)) === "connected");
}

function state(page: Page): Promise<string | null> {
  return page.getByTestId("connection-state").first().getAttribute("data-state");
}

async function enter(page: Page, room: string): Promise<void> {
  await page.getByTestId(`room-${room}`).click();
  await page
    .getByTestId("timeline")
    .and(page.locator(`[data-room="${room}"]`))
    .waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId("composer").fill(text);
  await page.getByTestId("send").click();
}

interface Shown {
  id: string | null;
  state: string | null;
  text: string;
}

/** The messages on the screen, from the top. */
function messages(page: Page): Promise<Shown[]> {
  return page.getByTestId("message").evaluateAll((elements) =>
    elements.map((element) => ({
      id: element.getAttribute("data-id"),
      state: element.getAttribute("data-state"),
      text: element.textContent ?? "",
    })),
  );
}

/** What was said, in the order of the screen: the words "line N" and their number. */
async function lines(page: Page): Promise<number[]> {
  const shown = await messages(page);
  return shown.flatMap(({ text }) => [...text.matchAll(/line (\d+)\./g)].map((match) => Number(match[1])));
}

test("two people chat in two rooms while a gateway dies, and nothing is missing or twice", {
  skip: NO_BROWSER,
}, async () => {
  const ada = await browser.person({ width: 1280, height: 800 });
  const bob = await browser.person({ width: 390, height: 780 });
  await join(ada.page, "Ada");
  await join(bob.page, "Bob");
  assert.equal(ada.sockets.length, 1, "all rooms share one connection");

  // They see each other.
  const bobInAdasList = ada.page.locator('[data-testid="member"][data-user="Bob"]');
  await bobInAdasList.first().waitFor({ state: "attached" });
  await bob.page.locator('[data-testid="member"][data-user="Ada"]').first().waitFor({ state: "attached" });

  // Typing shows, and goes.
  await bob.page.getByTestId("composer").pressSequentially("hm");
  await until("Ada to see Bob typing", async () =>
    ((await ada.page.getByTestId("typing").first().getAttribute("data-users")) ?? "").includes("Bob"),
  );
  await bob.page.getByTestId("composer").fill("");

  let said = 0;
  const speak = async (page: Page) => say(page, `line ${++said}.`);
  for (let i = 0; i < 3; i++) {
    await speak(ada.page);
    await speak(bob.page);
  }

  // A second room, over the same connection.
  await enter(ada.page, "chat.random");
  await say(ada.page, "over here");
  await until("Bob to see that something was said elsewhere", async () => {
    const unread = await bob.page.getByTestId("room-chat.random").getAttribute("data-unread");
    return Number(unread) > 0;
  });
  await enter(ada.page, "chat.lobby");

  // The gateway of one of them is killed while both go on talking.
  const gateway = await ada.page.getByTestId("connection-state").first().getAttribute("data-gateway");
  assert.ok(gateway);
  cluster.process(gateway).kill("SIGKILL");
  for (let i = 0; i < 5; i++) {
    await speak(ada.page);
    await speak(bob.page);
  }
  await until(
    "both to be connected",
    async () => (await state(ada.page)) === "connected" && (await state(bob.page)) === "connected",
    30_000,
  );
  await speak(ada.page);
  await speak(bob.page);

  const all = Array.from({ length: said }, (_, i) => i + 1);
  for (const { page } of [ada, bob]) {
    await until("every line on the screen", async () => (await lines(page)).length >= said, 30_000);
    const shown = await lines(page);
    assert.deepEqual(
      [...shown].sort((a, b) => a - b),
      all,
      "each line once",
    );
    const ids = (await messages(page)).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, "each message once");
    await until("no message to be under way", async () =>
      (await messages(page)).every(
        (message) => message.state === "delivered" || message.state === "received",
      ),
    );
  }
  assert.deepEqual(await lines(ada.page), await lines(bob.page), "the same order for both");
  assert.deepEqual([ada.problems, bob.problems], [[], []]);
  await enter(bob.page, "chat.random");
  await until("what was said in the other room", async () =>
    (await messages(bob.page)).some(({ text }) => text.includes("over here")),
  );
});

test("a page that is loaded again shows the history", { skip: NO_BROWSER }, async () => {
  const { page, problems } = await browser.person({ width: 1280, height: 800 });
  await join(page, "Cleo");
  await until("the lines from before", async () => (await lines(page)).length > 0);
  const before = await lines(page);
  await page.reload();
  await until("the same lines", async () => (await lines(page)).length >= before.length);
  assert.deepEqual(await lines(page), before);
  assert.deepEqual(problems, []);
});
