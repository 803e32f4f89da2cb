/** From `path=value` on a command line to a JSON merge patch. */
import { usageError } from "./errors.js";

interface Patch {
  [name: string]: unknown;
}

/** No value takes the field out; one that is no JSON is a text. */
export function readPatch(assignments: readonly string[]): Patch {
  const patch: Patch = {};
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    const path = assignment.slice(0, at).split(".");
    if (at < 1 || path.includes("")) throw usageError(`"${assignment}" must be like quotas.connections=100`);
    put(patch, path, readValue(assignment.slice(at + 1)), assignment);
  }
  return patch;
}

function put(patch: Patch, path: readonly string[], value: unknown, assignment: string): void {
  let holder = patch;
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(holder, name)) define(holder, name, {});
    const next = holder[name];
    if (typeof next !== "object" || next === null || Array.isArray(next))
      throw usageError(`"${assignment}" contradicts another one`);
    holder = next as Patch;
  }
  define(holder, path.at(-1)!, value);
}

/** Names such as __proto__ are names like others. */
function define(holder: Patch, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

function readValue(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
