/** What pages say of `plexus` and of npm's scripts, held against what is declared. Pure. */

interface Declared {
  readonly name: string;
  readonly options: readonly string[];
}

/** Something that a page tells its readers to type. */
export interface Mention {
  readonly page: string;
  readonly line: number;
  readonly words: readonly string[];
}

/** Every `plexus …` and `npm run …` of a page, in blocks and in its sentences. */
export function mentions(page: string, markdown: string): { plexus: Mention[]; scripts: Mention[] } {
  const plexus: Mention[] = [];
  const scripts: Mention[] = [];
  let fenced = false;
  for (const [i, text] of markdown.split("\n").entries()) {
    if (/^ *```/.test(text)) fenced = !fenced;
    const parts = fenced ? [text] : [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
    for (const part of parts) {
      const [, command] = /^(?:\$ )?(?:\w+=\S+ )*(?:npx )?plexus ((?:[a-z-]|<).*)$/.exec(part) ?? [];
      if (command !== undefined) plexus.push({ page, line: i + 1, words: wordsOf(command) });
      const [, script] = /\bnpm run ([a-z:-]+)/.exec(part) ?? [];
      if (script !== undefined) scripts.push({ page, line: i + 1, words: [script] });
    }
  }
  return { plexus, scripts };
}

/** What is wrong with a mention, or undefined. */
export function offence(
  { page, line, words }: Mention,
  commands: readonly Declared[],
  always: readonly string[],
): string | undefined {
  const name = words.slice(0, firstOther(words));
  const command = longest(commands, name);
  const where = `${page}:${line}: plexus ${words.join(" ")}`;
  // A family of commands may be spoken of, as in `plexus log`.
  const isFamily = commands.some((other) => other.name.startsWith(`${name.join(" ")} `));
  if (command === undefined)
    return isFamily ? undefined : `${where}: there is no such command; see plexus help`;
  const strange = words.find((word) => {
    const [, option] = /^--([a-z-]+)/.exec(word) ?? [];
    return option !== undefined && !command.options.includes(option) && !always.includes(option);
  });
  return strange === undefined ? undefined : `${where}: "${command.name}" has no ${strange}`;
}

function longest(commands: readonly Declared[], words: readonly string[]): Declared | undefined {
  const named = commands.filter(({ name }) => `${words.join(" ")} `.startsWith(`${name} `));
  return named.sort((a, b) => b.name.length - a.name.length)[0];
}

/** Where the name ends for certain: no command has such a word in it. */
function firstOther(words: readonly string[]): number {
  const at = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  return at === -1 ? words.length : at;
}

/** The words of the first command of the line. What is quoted, behind a comment or a pipe is not looked into. */
function wordsOf(line: string): string[] {
  const first = line.split(/ [#|>]|;|&&|\)/)[0]!;
  return first
    .replace(/'[^']*'|"[^"]*"/g, "…")
    .trim()
    .split(/\s+/);
}
