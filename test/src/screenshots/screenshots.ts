/** Takes the pictures of docs/img: demo and console, on a desktop and on a phone, of a cluster that is at work. */
import { mkdirSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, skip } from "../harness/chromium.js";
import { TestCluster } from "../harness/cluster.js";
import { until } from "../harness/wait.js";
import { DESKTOP, DESKTOP_DARK, type Format, openPage, PHONE, PHONE_DARK, shoot } from "./camera.js";
import { startTraffic } from "./traffic.js";

const CLUSTER = {
  cells: ["eu-1", "us-1", "ap-southeast-1"],
  workers: 2,
  gateways: 2,
  admin: true,
  demo: true,
};
/** Longer than the slowest machine takes to show a page. */
const SHOWN_WITHIN_MS = 60_000;

export interface Plan {
  /** Where the pictures are put. */
  readonly folder: string;
  /** How long the charts are filled, seconds. */
  readonly seconds: number;
}

export async function takeScreenshots({ folder, seconds }: Plan, say: (line: string) => void): Promise<void> {
  if (skip) throw new Error(skip);
  mkdirSync(folder, { recursive: true });
  const cluster = new TestCluster(CLUSTER);
  try {
    await cluster.start();
    const traffic = await startTraffic(cluster);
    cluster.beforeStop(() => traffic.stop());
    const { browser, close } = await launchBrowser();
    cluster.beforeStop(close);
    const consoles = await openConsoles(browser, cluster);
    say(`the cluster is at work; ${seconds} s until the charts show something`);
    const ready = performance.now() + seconds * 1_000;
    await until("the charts to fill", () => performance.now() > ready, seconds * 1_000 + SHOWN_WITHIN_MS);
    for (const [name, page] of consoles) {
      if (name === DRAINED) await drain(page, "us-1");
      say(await shoot(page, folder, name));
    }
    for (const [name, format] of DEMOS) say(await shoot(await demo(browser, cluster, format), folder, name));
  } finally {
    await cluster.stop();
  }
}

/** The last of the console's, since the cell stays drained. */
const DRAINED = "console-desktop-dark";
const CONSOLES: ReadonlyArray<[name: string, format: Format]> = [
  ["console-desktop", DESKTOP],
  ["console-phone", PHONE],
  [DRAINED, DESKTOP_DARK],
];
const DEMOS: ReadonlyArray<[name: string, format: Format]> = [
  ["demo-desktop", DESKTOP],
  ["demo-phone", PHONE_DARK],
];

async function openConsoles(browser: Browser, cluster: TestCluster): Promise<Array<[string, Page]>> {
  const pages: Array<[string, Page]> = [];
  for (const [name, format] of CONSOLES) {
    const page = await openPage(browser, format);
    await page.goto(`${cluster.dev.adminUrl}/console/`);
    await page.getByTestId("token").fill(cluster.dev.adminToken!);
    await page.getByTestId("login").click();
    await page.getByTestId("cells").waitFor({ timeout: SHOWN_WITHIN_MS });
    pages.push([name, page]);
  }
  return pages;
}

async function drain(page: Page, cell: string): Promise<void> {
  await page.getByTestId(`drain-${cell}`).click();
  await page.getByTestId("confirm-name").fill(cell);
  await page.getByTestId("confirm").click();
  const drained = page.locator(`[data-testid="cell-${cell}"][data-state="drained"]`);
  await drained.waitFor({ timeout: SHOWN_WITHIN_MS });
  // The focus is where a person who used the pointer would not see it.
  await page.locator("main").click({ position: { x: 1, y: 1 } });
}

async function demo(browser: Browser, cluster: TestCluster, format: Format): Promise<Page> {
  const page = await openPage(browser, format);
  await page.goto(cluster.dev.url);
  await page.getByTestId("name-input").fill("Ada");
  await page.getByTestId("join").click();
  await page.getByTestId("message").last().waitFor({ timeout: SHOWN_WITHIN_MS });
  return page;
}
