/** See find-program.mjs. */
export function findProgram(names: string[], path?: string): string | undefined;
