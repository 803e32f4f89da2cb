/** Light, dark, or as the system has it. No secret, so it outlives the tab. */
import { Store } from "./store.js";

export const CHOICES = ["auto", "light", "dark"] as const;
export type Choice = (typeof CHOICES)[number];
const KEY = "plexus.console.theme";

const system = matchMedia("(prefers-color-scheme: dark)");

export const theme = new Store<{ choice: Choice; isDark: boolean }>(themeOf(storedChoice()));

export function choose(choice: Choice): void {
  localStorage.setItem(KEY, choice);
  show(choice);
}

/** Shows what was chosen, and goes along with the system from now on. */
export function beginTheme(): void {
  show(storedChoice());
  system.addEventListener("change", () => show(theme.current.choice));
}

function show(choice: Choice): void {
  document.documentElement.dataset.theme = choice;
  theme.set(themeOf(choice));
}

function themeOf(choice: Choice) {
  return { choice, isDark: choice === "auto" ? system.matches : choice === "dark" };
}

function storedChoice(): Choice {
  const stored = localStorage.getItem(KEY);
  return CHOICES.find((choice) => choice === stored) ?? "auto";
}
