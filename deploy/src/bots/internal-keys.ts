import { readSeed } from "@plexus/runtime";
import { publicKeyOf } from "./keys.js";

/** Those that may do everything on the bus: what this process logs in with, and what it was told of. */
export function internalKeysOf(options: {
  natsSeedFile: string | undefined;
  internalNatsKeys: readonly string[];
}): string[] {
  const own = options.natsSeedFile === undefined ? [] : [publicKeyOf(readSeed(options.natsSeedFile))];
  return [...new Set([...own, ...options.internalNatsKeys])].sort();
}
