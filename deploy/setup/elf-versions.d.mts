/** See elf-versions.mjs. */
export function relaxGlibc238(image: Buffer): { changed: boolean; symbols: string[] };
export function requiredGlibcVersions(image: Buffer): string[];
