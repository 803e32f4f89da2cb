/** The pictures of docs/img: which page, how wide, in which colours. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";

/** More would make a clone slow for pictures' sake. */
export const MAX_BYTES = 200_000;

export interface Format {
  readonly width: number;
  readonly height: number;
  readonly colours: "light" | "dark";
}

export const DESKTOP: Format = { width: 1_600, height: 1_000, colours: "light" };
export const DESKTOP_DARK: Format = { ...DESKTOP, colours: "dark" };
export const PHONE: Format = { width: 400, height: 860, colours: "light" };
export const PHONE_DARK: Format = { ...PHONE, colours: "dark" };

/** A page in that format, of its own: nothing is shared with the others. */
export function openPage(browser: Browser, { width, height, colours }: Format): Promise<Page> {
  return browser.newPage({ viewport: { width, height }, colorScheme: colours, reducedMotion: "reduce" });
}

export async function shoot(page: Page, folder: string, name: string): Promise<string> {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, animations: "disabled", caret: "hide" });
  const { size } = statSync(path);
  if (size > MAX_BYTES) throw new Error(`${path} has ${size} bytes, more than ${MAX_BYTES}`);
  return `${path}, ${Math.round(size / 1_000)} kB`;
}
