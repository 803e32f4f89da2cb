/** Text can be read: WCAG 2.2, 1.4.3 for letters and 1.4.11 for what only has to be seen. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = ["../../../gateway/public/base.css", "../../console/style/theme.css"]
  .map((path) => readFileSync(new URL(path, import.meta.url), "utf8"))
  .join("\n");
const COLOURS = new Map(
  [...css.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name, light, dark]) => [name!, { light: light!, dark: dark! }],
  ),
);
const SCHEMES = ["light", "dark"] as const;

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light! + 0.05) / (dark! + 0.05);
}

function assertContrast(front: string, back: string, least: number): void {
  for (const scheme of SCHEMES) {
    const [one, other] = [COLOURS.get(front), COLOURS.get(back)];
    assert.ok(one && other, `${front}, ${back}`);
    const found = contrast(one[scheme], other[scheme]);
    assert.ok(found >= least, `${front} on ${back}, ${scheme}: ${found.toFixed(2)}`);
  }
}

test("letters have 4.5:1 to all that they stand on", () => {
  for (const front of ["ink", "soft", "accent-text", "danger-text", "warn-text"])
    for (const back of ["ground", "surface", "sunken"]) assertContrast(front, back, 4.5);
  for (const front of ["ink", "soft", "accent-text"]) assertContrast(front, "accent-tint", 4.5);
  for (const front of ["ink", "danger-text"]) assertContrast(front, "danger-tint", 4.5);
  assertContrast("accent-ink", "accent", 4.5);
  for (const scheme of SCHEMES) assert.ok(contrast("#ffffff", COLOURS.get("danger")![scheme]) >= 4.5, scheme);
});

test("edges of fields and buttons, lines and shapes have 3:1", () => {
  for (const front of ["edge", "accent-text", "soft"])
    for (const back of ["surface", "ground"]) assertContrast(front, back, 3);
});
