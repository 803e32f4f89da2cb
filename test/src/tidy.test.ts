/**
 * The rules of this code that a reader relies on: short files and functions, imports in one direction, no cycles,
 * one place for each kind of name. `npm run check` runs this; it needs nothing but the sources.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CLOSES, ERRORS } from "@plexus/protocol";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PACKAGES = [
  "shared/protocol",
  "shared/runtime",
  "shared/client",
  "shared/bot",
  "gateway",
  "cells",
  "deploy",
  "deploy/console",
  "test",
];
const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;

interface Source {
  /** From the root, as in "cells/src/channel.ts". */
  readonly path: string;
  readonly package: string;
  readonly lines: string[];
  readonly isTest: boolean;
}

function sourcesOf(name: string): Source[] {
  const folder = join(ROOT, name, "src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  return files.map((file) => ({
    path: `${name}/src/${file}`,
    package: name,
    lines: readFileSync(join(folder, file), "utf8").split("\n"),
    isTest: name === "test" || file.endsWith(".test.ts") || file.includes("testing/"),
  }));
}

const sources = PACKAGES.flatMap(sourcesOf);

/** Fails with every offence at once. */
function none(offences: string[], rule: string): void {
  assert.deepEqual(offences, [], `${rule}:\n  ${offences.join("\n  ")}`);
}

/** What a file imports, with or without `type`. */
function importsOf({ lines }: Source): string[] {
  const found = lines.join("\n").matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)";|^import "([^"]+)";/gm);
  return [...found].map((match) => (match[1] ?? match[2])!);
}

test("files are short enough to be read in one sitting", () => {
  const long = sources.filter(({ lines }) => lines.length > MAX_FILE_LINES);
  none(
    long.map(({ path, lines }) => `${path}: ${lines.length} lines`),
    `at most ${MAX_FILE_LINES} lines`,
  );
});

test("functions are short", () => {
  // The formatter puts a declaration's closing brace below its first word.
  const start =
    /^( *)(?:export )?(?:default )?(?:static |private |override |readonly )*(?:async )?(?:function\b|\*?[#\w]+\(|(?:get|set) #?\w+\(|const \w+ = (?:async )?\()/;
  const offences: string[] = [];
  // Of tests, the functions that register them are as long as the list of cases is.
  for (const { path, lines } of sources.filter(({ isTest }) => !isTest)) {
    for (const [i, line] of lines.entries()) {
      const match = start.exec(line);
      if (match === null || /^\s*(?:if|for|while|switch|return|test|await|describe)\b/.test(line)) continue;
      const indent = match[1]!;
      const end = lines.findIndex(
        (other, k) => k >= i && (other === `${indent}}` || other === `${indent}};`),
      );
      const other = lines.slice(i + 1, end).find((between) => between !== "" && !between.startsWith(indent));
      if (end === -1 || other !== undefined) continue;
      if (end - i + 1 > MAX_FUNCTION_LINES) offences.push(`${path}:${i + 1}: ${end - i + 1} lines`);
    }
  }
  none(offences, `at most ${MAX_FUNCTION_LINES} lines`);
});

const ALLOWED: Record<string, string[]> = {
  "shared/protocol": [],
  "shared/runtime": ["protocol"],
  "shared/client": ["protocol"],
  "shared/bot": ["protocol"],
  gateway: ["protocol", "runtime"],
  cells: ["protocol", "runtime"],
  deploy: ["protocol", "runtime", "cells", "gateway"],
  "deploy/console": [],
  test: ["protocol", "runtime", "client", "bot", "cells", "gateway", "deploy"],
};

test("packages import in one direction", () => {
  const offences: string[] = [];
  for (const source of sources) {
    const own = source.package.split("/").at(-1)!;
    for (const target of importsOf(source)) {
      const name = /^@plexus\/([a-z]+)/.exec(target)?.[1];
      if (name !== undefined && name !== own && !ALLOWED[source.package]!.includes(name))
        offences.push(`${source.path} imports ${target}`);
      if (
        target.startsWith(".") &&
        relative(join(source.package, "src"), join(dirname(source.path), target)).startsWith("../../")
      )
        offences.push(`${source.path} reaches into another package: ${target}`);
    }
  }
  none(offences, "protocol ← runtime ← gateway, cells, deploy; protocol ← client");
});

test("the protocol knows nothing of Node", () => {
  const offences = sources
    .filter(({ package: name, isTest }) => name === "shared/protocol" && !isTest)
    .flatMap((source) =>
      importsOf(source)
        .filter((target) => target.startsWith("node:"))
        .map((target) => `${source.path}: ${target}`),
    );
  none(offences, "it runs in browsers");
});

test("no file imports itself, over however many others", () => {
  const graph = new Map(
    sources.map((source) => {
      const targets = importsOf(source).filter((target) => target.startsWith("."));
      return [
        source.path.replace(/\.tsx?$/, ""),
        targets.map((target) => join(dirname(source.path), target).replace(/\.js$/, "")),
      ];
    }),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: string[]): void => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (way.includes(path) || done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  none(cycles, "no cycles");
});

test("subjects and keys are named in one file each", () => {
  const places: Array<{ what: RegExp; where: string[] }> = [
    {
      what: /["'`](?:evt|log|cmd|ans|beat|lease|ping)\.(?:\$\{|>|\*)/,
      where: ["shared/protocol/src/subjects.ts"],
    },
    { what: /["'`]plexus:(?:\$\{|[a-z])/, where: ["cells/src/presence-store.ts"] },
  ];
  const offences: string[] = [];
  for (const { what, where } of places)
    for (const { path, lines, isTest } of sources)
      if (!isTest && !where.includes(path))
        for (const [i, line] of lines.entries())
          if (what.test(line)) offences.push(`${path}:${i + 1}: ${line.trim()}`);
  none(offences, "built and taken apart in one place");
});

test("nothing is silenced, skipped or left for later", () => {
  // Put together here, so that this file does not find itself.
  const marks = [
    "\\.only\\(",
    "\\.skip\\(",
    "\\.todo\\(",
    "@ts-ignore",
    "@ts-expect-error",
    "biome-ignore",
    "TO" + "DO",
    "FIX" + "ME",
  ];
  const mark = new RegExp(marks.join("|"));
  const empty = /catch(?: \(\w+\))? \{\s*\}/;
  const offences: string[] = [];
  for (const { path, lines } of sources) {
    if (path === "test/src/tidy.test.ts") continue;
    for (const [i, line] of lines.entries())
      if (mark.test(line)) offences.push(`${path}:${i + 1}: ${line.trim()}`);
    if (empty.test(lines.join("\n"))) offences.push(`${path}: an empty catch`);
  }
  none(offences, "not in this code");
});

test("the catalogue of errors and its document say the same", () => {
  const file = join(ROOT, "docs/errors.md");
  assert.ok(existsSync(file), "docs/errors.md");
  const text = readFileSync(file, "utf8");
  const missing = [
    ...Object.keys(ERRORS).filter((code) => !text.includes(`\`${code}\``)),
    ...Object.values(CLOSES)
      .map(({ code }) => String(code))
      .filter((code) => !text.includes(code)),
  ];
  none(missing, "in docs/errors.md");
  const known = new Set(Object.values(CLOSES).map(({ code }) => String(code)));
  const unknown = [...text.matchAll(/`(4[0-9]{3})`/g)]
    .map((match) => match[1]!)
    .filter((code) => !known.has(code));
  none(
    unknown.filter((code) => !["4000", "4499", "4500", "4999"].includes(code)),
    "close codes that do not exist",
  );
});

test("every option of a process says what it is", () => {
  const offences = sources
    .filter(({ path }) => path.endsWith("options.ts") && !path.startsWith("shared/client"))
    .flatMap(({ path, lines }) => {
      const text = lines.join("\n");
      const options = [...text.matchAll(/option(?:<[^>]+>)?\(\{([\s\S]*?)\n {2}\}\)/g)];
      return options
        .filter(([, body]) => !body!.includes("doc:"))
        .map(([body]) => `${path}: ${body!.slice(0, 60)}`);
    });
  none(offences, "each has a doc");
});
