/** A real browser, as people have. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** Named by `npm test`, which finds or installs it. */
export const CHROMIUM = process.env.CHROMIUM_PATH;
/** What a test without a browser says; in CI a skip is a failure. */
export const NO_BROWSER = CHROMIUM === undefined && "no Chromium here (CHROMIUM_PATH); npm test says why";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export class TestBrowser {
  readonly #folder = mkdtempSync(join(tmpdir(), "plexus-browser-"));
  #browser: Browser | undefined;

  async start(): Promise<void> {
    this.#browser = await chromium.launch({
      executablePath: CHROMIUM!,
      args: [...FLAGS, `--crash-dumps-dir=${this.#folder}`],
    });
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A person with a browser profile of their own. Whatever goes wrong in the page is kept in `problems`. */
  async person(size: { width: number; height: number }): Promise<{
    page: Page;
    context: BrowserContext;
    problems: string[];
    sockets: string[];
  }> {
    const context = await this.#browser!.newContext({ viewport: size, reducedMotion: "reduce" });
    const page = await context.newPage();
    const problems: string[] = [];
    const sockets: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("websocket", (socket) => sockets.push(socket.url()));
    return { page, context, problems, sockets };
  }
}
