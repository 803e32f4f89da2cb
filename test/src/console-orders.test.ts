/** What operators do in the console beyond drains of cells: weights, giving up, gateways; asked and confirmed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { skip } from "./harness/chromium.js";
import {
  activeId,
  activeTestId,
  consoleForFile,
  logIn,
  OPERATOR,
  showView,
  stateOf,
  textOf,
} from "./harness/console.js";
import { until } from "./harness/wait.js";

const CHANNELS = 12;

const { cluster, open: openPage } = consoleForFile(async (running) => {
  const alice = await running.connect("alice");
  for (let i = 0; i < CHANNELS; i++) await alice.pub(`chat.room-${i}`, i);
});

async function open(options?: BrowserContextOptions) {
  const opened = await openPage(options);
  await logIn(opened.page, OPERATOR);
  return opened;
}

async function tabTo(page: Page, testId: string): Promise<void> {
  await until(`the focus to reach ${testId}`, async () => {
    await page.keyboard.press("Tab");
    return (await activeTestId(page)) === testId;
  });
}

/**
 * Opens a dialog, again until it shows what it does where everybody has answered: who is held up for a moment is missing
 * from the last look.
 */
async function opensWith(
  page: Page,
  press: () => Promise<void>,
  shows: () => Promise<boolean>,
): Promise<void> {
  await until("the dialog of what answers", async () => {
    await press();
    await page.getByTestId("dialog").waitFor();
    if (await shows()) return true;
    await page.keyboard.press("Escape");
    await page.getByTestId("dialog").waitFor({ state: "hidden" });
    return false;
  });
}

/** Of the newest operation of that kind. */
async function progressIsDone(page: Page, kind: string): Promise<void> {
  const progress = page.locator(`[data-testid="progress"][data-operation^="${kind}"]`).first();
  await until(`${kind} to be done`, async () => (await progress.getAttribute("data-state")) === "done");
}

test("by keyboard, a cell gets another weight; one that is none is not sent", { skip }, async () => {
  const { page, problems } = await open({ reducedMotion: "reduce" });
  await page.getByTestId("tab-overview").focus();
  await tabTo(page, "weight-eu-1");
  await page.keyboard.press("Enter");
  await page.getByTestId("field-weight").waitFor();
  await until("the focus to be in the field", async () => (await activeTestId(page)) === "field-weight");
  for (const wrong of ["", "0", "-1", "1001"]) {
    await page.getByTestId("field-weight").fill(wrong);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("[data-testid=field-weight]:invalid").count(), 1, wrong);
    assert.ok(await page.getByTestId("dialog").isVisible(), `with "${wrong}"`);
  }
  for (let look = 0; look < 2; look++) await page.waitForResponse("**/v1/cells");
  assert.equal(await page.getByTestId("field-weight").inputValue(), "1001", "what was typed stays");
  await page.getByTestId("field-weight").fill("2.5");
  await page.keyboard.press("Enter");
  await until("the focus to be on the progress", async () => (await activeId(page)) === "under-way");
  await progressIsDone(page, "weight");
  await until("the weight in the table", async () => (await textOf(page, "weight-eu-1")) === "2.5");
  assert.deepEqual(problems, []);
  await page.close();
});

test("a gateway is drained at a pace after its name was typed; the last one only where that is meant", {
  skip,
}, async () => {
  const { page, problems } = await open();
  await showView(page, cluster, "gateways");
  await page.locator('[data-testid="gateway-g1"][data-draining="false"]').waitFor();
  // Another one accepts connections.
  const mayGo = async () => (await page.getByTestId("field-force").count()) === 0;
  await opensWith(page, () => page.getByTestId("drain-g2").click(), mayGo);
  const sent = page.waitForRequest("**/v1/gateways/g2/drain");
  await page.getByTestId("field-perSecond").fill("20");
  await page.getByTestId("confirm-name").fill("g2");
  await page.getByTestId("confirm").click();
  assert.deepEqual((await sent).postDataJSON(), { perSecond: 20 });
  await page.locator('[data-testid="progress"][data-operation^="gateway-drain"]').waitFor();
  await page.locator('[data-testid="gateway-g2"][data-draining="true"]').waitFor();

  await page.getByTestId("drain-g1").click();
  await page.getByTestId("confirm-name").fill("g1");
  await page.getByTestId("confirm").click();
  assert.ok(await page.getByTestId("dialog").isVisible(), "not without the tick");
  await page.getByTestId("field-force").check();
  await page.getByTestId("confirm").click();
  await page.locator('[data-testid="gateway-g1"][data-draining="true"]').waitFor();
  assert.deepEqual(problems, []);
  await page.close();
});

test("by keyboard, a cell that answers is given up after a tick and its name; nobody is left to give up then", {
  skip,
}, async () => {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [400, 1_600]) {
      const { page } = await open({ colorScheme, viewport: { width, height: 800 } });
      const warns = async () => /1 worker of it answers.*drain it/.test(await textOf(page, "dialog"));
      await opensWith(page, () => page.getByTestId("down-us-1").click(), warns);
      const box = await page.getByTestId("dialog").boundingBox();
      assert.ok(box && box.x >= 0 && box.x + box.width <= width, `${width} ${colorScheme}`);
      await page.keyboard.press("Escape");
      assert.equal(await activeTestId(page), "down-us-1");
      await page.close();
    }
  const { page, problems } = await open({ reducedMotion: "reduce" });
  await page.getByTestId("tab-overview").focus();
  await tabTo(page, "down-us-1");
  const asksForTick = async () => (await page.getByTestId("field-meant").count()) === 1;
  await opensWith(page, () => page.keyboard.press("Enter"), asksForTick);
  await tabTo(page, "confirm-name");
  await page.keyboard.type("us-1");
  await page.keyboard.press("Enter");
  assert.ok(await page.getByTestId("dialog").isVisible(), "not without the tick");
  await page.getByTestId("field-meant").focus();
  await page.keyboard.press("Space");
  await tabTo(page, "confirm");
  await page.keyboard.press("Enter");
  await page.locator('[data-testid="progress"][data-operation^="down"]').waitFor();
  // It runs, so it comes back, and holds nothing.
  await until("the cell to hold nothing", async () =>
    /down|drained/.test((await stateOf(page, "cell-us-1")) ?? ""),
  );
  await until(
    "the last cell to be without the button",
    async () => (await page.getByTestId("down-eu-1").count()) === 0,
  );
  assert.deepEqual(problems, []);
  await page.close();
});
