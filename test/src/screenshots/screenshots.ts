/** Takes the pictures of docs/img: demo and console, on a desktop and on a phone, of a cluster that is at work. */
import { mkdirSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchBrowser } from "../harness/chromium.js";
import { TestCluster } from "../harness/cluster.js";
import { until } from "../harness/wait.js";
import { DESKTOP, DESKTOP_DARK, type Format, openPage, PHONE, PHONE_DARK, shoot } from "./camera.js";
import { startTraffic } from "./traffic.js";

const CLUSTER = { cells: ["eu-1", "us-1", "ap-southeast-1"], workers: 2, gateways: 2, demo: true };
/** Longer than the slowest machine takes to show a page. */
const SHOWN_WITHIN_MS = 60_000;

export interface Plan {
  /** Where the pictures are put. */
  readonly folder: string;
  /** How long the charts are filled, seconds. */
  readonly seconds: number;
}

export async function takeScreenshots({ folder, seconds }: Plan, say: (line: string) => void): Promise<void> {
  const executable = findChromium();
  if (executable === undefined) throw new Error("no Chromium: install one, or name one in CHROMIUM_PATH");
  mkdirSync(folder, { recursive: true });
  const cluster = new TestCluster(CLUSTER);
  try {
    await cluster.start();
    const traffic = await startTraffic(cluster);
    cluster.beforeStop(() => traffic.stop());
    const { browser, close } = await launchBrowser(executable);
    cluster.beforeStop(close);
    const consoles = await openConsoles(browser, cluster);
    say(`the cluster is at work; ${seconds} s until the charts show something`);
    const ready = performance.now() + seconds * 1_000;
    await until("the charts to fill", () => performance.now() > ready, seconds * 1_000 + SHOWN_WITHIN_MS);
    for (const [name, page] of consoles) say(await shoot(page, folder, name));
    for (const [name, format] of DEMOS) say(await shoot(await demo(browser, cluster, format), folder, name));
  } finally {
    await cluster.stop();
  }
}

const CONSOLES: ReadonlyArray<[name: string, format: Format]> = [
  ["console-desktop", DESKTOP],
  ["console-desktop-dark", DESKTOP_DARK],
  ["console-phone", PHONE],
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

async function demo(browser: Browser, cluster: TestCluster, format: Format): Promise<Page> {
  const page = await openPage(browser, format);
  await page.goto(cluster.dev.url);
  await page.getByTestId("name-input").fill("Ada");
  await page.getByTestId("join").click();
  await page.getByTestId("message").last().waitFor({ timeout: SHOWN_WITHIN_MS });
  return page;
}
