/** Files that a person names on the command line. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Terminal } from "./command.js";
import { CliError, EXIT, usageError } from "./errors.js";

/** @param name of the file; `-` is standard input */
export function readText({ cwd }: Pick<Terminal, "cwd">, name: string): string {
  try {
    return readFileSync(name === "-" ? 0 : resolve(cwd, name), "utf8");
  } catch (error) {
    throw new CliError(EXIT.usage, `${name} can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

export function readJson(terminal: Pick<Terminal, "cwd">, name: string): unknown {
  const text = readText(terminal, name);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`${name} is no JSON: ${(error as Error).message}`);
  }
}
