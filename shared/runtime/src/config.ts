/**
 * Configuration, declared once per process: each option has its environment variable, type, default and
 * description in one place, and help, validation and the documents come from that.
 */
import { readFileSync } from "node:fs";
import type { z } from "zod";

export interface OptionDeclaration<T = unknown> {
  /** Name of the environment variable. */
  readonly env: string;
  readonly type: z.ZodType<T>;
  /** Taken where the variable is unset or empty; an option without one is required. */
  readonly default?: T;
  /** One sentence, with the unit and the reason for the default. */
  readonly doc: string;
  /** Never shown in help, logs or errors. It may also be in a file, which the variable with `_FILE` behind its name tells. */
  readonly secret?: boolean;
}

export type OptionDeclarations = Record<string, OptionDeclaration>;
export type Options<D extends OptionDeclarations> = {
  [K in keyof D]: D[K] extends OptionDeclaration<infer T> ? T : never;
};

/** Keeps the inferred type of each option while a declaration is written down. */
export function option<T>(declaration: OptionDeclaration<T>): OptionDeclaration<T> {
  return declaration;
}

export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Reads the declared options from the environment. Throws {@link ConfigError} listing every problem at once:
 * a missing or malformed value, and any `PLEXUS_…` variable that is not declared (a misspelt one, usually).
 */
export function readOptions<D extends OptionDeclarations>(
  declarations: D,
  env: Record<string, string | undefined>,
): Options<D> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, declaration] of Object.entries(declarations)) {
    const text = textOf(declaration, env, problems);
    if (text === null) continue;
    if (text === undefined || text === "") {
      if (!("default" in declaration)) problems.push(`${declaration.env} is required: ${declaration.doc}`);
      values[name] = declaration.default;
      continue;
    }
    const result = declaration.type.safeParse(text);
    if (result.success) values[name] = result.data;
    else {
      const shown = declaration.secret ? "its value" : `"${text}"`;
      problems.push(
        `${declaration.env}: ${shown} is not right: ${result.error.issues[0]?.message ?? "invalid"}`,
      );
    }
  }
  problems.push(...unknownVariables(declarations, env));
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return values as Options<D>;
}

/** Where a secret is in a file: an orchestrator mounts it there, and no listing of processes shows it. */
export function fileVariable({ env, secret }: OptionDeclaration): string | undefined {
  return secret === true ? `${env}_FILE` : undefined;
}

/** null where it can't be read, which has been added to the problems. */
function textOf(
  declaration: OptionDeclaration,
  env: Record<string, string | undefined>,
  problems: string[],
): string | undefined | null {
  const text = env[declaration.env];
  const variable = fileVariable(declaration);
  const file = variable === undefined ? undefined : env[variable];
  if (file === undefined || file === "") return text;
  if (text !== undefined && text !== "")
    problems.push(`${declaration.env} and ${variable} are both set: only one of them may be`);
  try {
    return readFileSync(file, "utf8").trimEnd();
  } catch (error) {
    problems.push(`${variable}: ${(error as Error).message}`);
    return null;
  }
}

function unknownVariables(
  declarations: OptionDeclarations,
  env: Record<string, string | undefined>,
): string[] {
  const known = new Set(Object.values(declarations).flatMap((d) => [d.env, fileVariable(d)]));
  return Object.keys(env)
    .filter((name) => name.startsWith("PLEXUS_") && !known.has(name))
    .map((name) => `${name} is not an option of this process`);
}

/** A table of the options for `--help` and for docs/configuration.md. */
export function describeOptions(declarations: OptionDeclarations): string {
  return Object.values(declarations)
    .map((d) => {
      const fallback = "default" in d ? (d.secret ? "secret" : JSON.stringify(d.default)) : "required";
      return `${d.env} (${fallback})\n    ${d.doc}`;
    })
    .join("\n");
}
