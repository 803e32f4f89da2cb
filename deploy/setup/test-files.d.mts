/** See test-files.mjs. */
export function testFiles(root: string, filters: string[]): string[];
