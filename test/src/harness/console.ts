/** The console in a browser, as tests use it. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { TestCluster } from "./cluster.js";

/** A page of its own, and what went wrong in it. */
export async function openConsole(
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
