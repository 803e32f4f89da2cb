/** The console in a browser, as tests use it. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser, skip } from "./chromium.js";
import { clusterForFile, type TestCluster } from "./cluster.js";

export const [OPERATOR, READER] = ["o".repeat(32), "r".repeat(32)];

/**
 * Two cells and two gateways with an admin API, and a browser beside them, for the tests of one file.
 *
 * @param ready what else the tests need, once all of it runs
 */
export function consoleForFile(ready: (cluster: TestCluster) => Promise<void>): {
  cluster: TestCluster;
  open: (options?: BrowserContextOptions) => ReturnType<typeof openConsole>;
} {
  let browser: Browser;
  const adminEnv = { PLEXUS_ADMIN_TOKEN: `ops:${OPERATOR},looker:read:${READER}` };
  const options = { admin: true, cells: ["eu-1", "us-1"], gateways: 2, restart: false, adminEnv };
  const cluster = clusterForFile(options, async (running) => {
    if (skip) return;
    const launched = await launchBrowser();
    running.beforeStop(launched.close);
    browser = launched.browser;
    await ready(running);
  });
  return { cluster, open: (options) => openConsole(browser, cluster, options) };
}

/** A page of its own, and what went wrong in it. */
async function openConsole(
  browser: Browser,
  cluster: TestCluster,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 }, ...options });
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML/i.test(message.text())) problems.push(message.text());
  });
  await page.goto(cluster.dev.adminUrl!);
  return { page, problems };
}

export async function logIn(page: Page, token: string): Promise<void> {
  await page.getByTestId("token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByTestId("cells").waitFor();
}

export async function showView(page: Page, cluster: TestCluster, view: string): Promise<void> {
  await page.goto(`${cluster.dev.adminUrl}/console/#/${view}`);
  await page.locator(`#panel-${view.split("/")[0]}`).waitFor();
}

export const textOf = async (page: Page, id: string) =>
  (await page.getByTestId(id).textContent())?.trim() ?? "";
export const stateOf = (page: Page, id: string) => page.getByTestId(id).getAttribute("data-state");
export const activeId = (page: Page) => page.evaluate<string>("document.activeElement?.id ?? ''");
export const activeTestId = (page: Page) =>
  page.evaluate<string>("document.activeElement?.getAttribute('data-testid') ?? ''");
