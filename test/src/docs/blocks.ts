/** The commands and programs of a page of the documents, and what is to become of each block. Pure. */

/** Why a block may stay unrun. A reason that is not here is none. */
export const REASONS = [
  "a cluster runs already", // it is what the others are run against
  "needs docker",
  "needs Kubernetes",
  "needs a server of its own", // its folders, its certificates, its users
  "takes minutes",
] as const;

/** What a comment in the line above a block says of it; without one it is run. */
export type Fate =
  | { readonly kind: "run" }
  /** Goes on while the rest of the page is run, as in a terminal of its own, from when it has printed these words. */
  | { readonly kind: "beside"; readonly until: string }
  | { readonly kind: "tested"; readonly by: string; readonly words: readonly string[] }
  | { readonly kind: "notRun"; readonly reason: string };

/** A command, or a script of several, and what the page shows of its output. */
export interface Step {
  readonly line: number;
  readonly command: string;
  readonly shown: readonly string[];
}

export interface ShellBlock {
  readonly line: number;
  readonly fate: Fate;
  readonly text: string;
  readonly steps: readonly Step[];
}

/** A block that is named as a file, as in ```js chat.mjs: the commands of the page find it. */
export interface Program {
  readonly name: string;
  readonly text: string;
}

export interface Page {
  readonly name: string;
  readonly shell: readonly ShellBlock[];
  readonly programs: readonly Program[];
  /** What can't be read as it stands, with what to do. */
  readonly problems: readonly string[];
}

interface Fenced {
  readonly line: number;
  readonly info: string;
  readonly lines: readonly string[];
  readonly comment: string | undefined;
}

const SHELLS = ["sh", "bash", "shell", "console"];
const PROMPT = "$ ";
/** What nobody wants to be run by the way: it takes long, or changes more than the page's folder. */
const NEVER = /^\s*(?:npm (?:start|test|run|install|ci)|docker|kubectl|helm|git|sudo|apt|rm -rf)\b/m;
/** How a line begins that somebody would type. */
const TYPED = /^(?:\$ |(?:npm|npx|node|plexus|curl|docker|kubectl|helm) )/;
const FORMS = `<!-- beside, until "words" -->, <!-- tested by: test/src/x.test.ts "words" -->, <!-- not run here: reason -->`;

export function readPage(name: string, markdown: string): Page {
  const problems: string[] = [];
  const shell: ShellBlock[] = [];
  const programs: Program[] = [];
  for (const block of fencedBlocks(markdown)) {
    const [language = "", file = ""] = block.info.split(" ");
    const typed = TYPED.test(block.lines[0] ?? "");
    if (SHELLS.includes(language) || (language === "" && block.lines[0]?.startsWith(PROMPT))) {
      const fate = fateOf(block.comment);
      const text = block.lines.join("\n");
      const heavy = NEVER.exec(text.replaceAll(PROMPT, ""))?.[0].trim();
      if (typeof fate === "string") problems.push(`${name}:${block.line}: ${fate}`);
      else if (fate.kind === "run" && heavy !== undefined)
        problems.push(`${name}:${block.line}: ${heavy} is not run by the way; say above the block: ${FORMS}`);
      else shell.push({ line: block.line, fate, text, steps: stepsOf(block) });
    } else if (language === "" && typed) {
      problems.push(`${name}:${block.line}: these are commands: begin the block with \`\`\`sh`);
    } else if (/^[\w-]+\.\w+$/.test(file)) programs.push({ name: file, text: `${block.lines.join("\n")}\n` });
  }
  return { name, shell, programs, problems };
}

/** All code blocks, also those in lists, with the comment in the line above. */
function fencedBlocks(markdown: string): Fenced[] {
  const lines = markdown.split("\n");
  const found: Fenced[] = [];
  for (let i = 0; i < lines.length; i++) {
    const [, indent, info] = /^( *)```(.*)$/.exec(lines[i]!) ?? [];
    if (indent === undefined) continue;
    const end = lines.findIndex((line, k) => k > i && line === `${indent}\`\`\``);
    if (end === -1) break;
    const body = lines.slice(i + 1, end).map((line) => line.slice(indent.length));
    const comment = /^ *<!-- (.*) -->$/.exec(lines[i - 1] ?? "")?.[1];
    found.push({ line: i + 1, info: info!, lines: body, comment });
    i = end;
  }
  return found;
}

/** What the comment says, or what is wrong with it. */
function fateOf(comment: string | undefined): Fate | string {
  if (comment === undefined) return { kind: "run" };
  const beside = /^beside, until "(.+)"$/.exec(comment);
  if (beside !== null) return { kind: "beside", until: beside[1]! };
  const tested = /^tested by: (\S+)((?: "[^"]+")+)$/.exec(comment);
  if (tested !== null) {
    const words = [...tested[2]!.matchAll(/"([^"]+)"/g)].map(([, word]) => word!);
    return { kind: "tested", by: tested[1]!, words };
  }
  const notRun = /^not run here: (.+)$/.exec(comment);
  if (notRun === null) return `"${comment}" says nothing of the block below it; what can be said: ${FORMS}`;
  const reason = notRun[1]!;
  if ((REASONS as readonly string[]).includes(reason)) return { kind: "notRun", reason };
  return `"${reason}" is no reason not to run it; these are: ${REASONS.join(", ")}`;
}

/** With prompts, each command with what follows it; without, all of it as one script. */
function stepsOf({ lines, line: fence }: Fenced): Step[] {
  if (!lines.some((line) => line.startsWith(PROMPT)))
    return [{ line: fence + 1, command: lines.join("\n"), shown: [] }];
  const steps: Array<{ line: number; command: string; shown: string[] }> = [];
  for (const [i, line] of lines.entries()) {
    const last = steps.at(-1);
    if (last !== undefined && last.shown.length === 0 && isUnfinished(last.command))
      last.command += `\n${line}`;
    else if (line.startsWith(PROMPT))
      steps.push({ line: fence + 1 + i, command: line.slice(PROMPT.length), shown: [] });
    else if (line.trim() !== "") last?.shown.push(line);
  }
  return steps;
}

/** Whether a shell would wait for another line. */
function isUnfinished(command: string): boolean {
  const heredoc = /<<'?(\w+)'?/.exec(command)?.[1];
  if (heredoc !== undefined) return !command.split("\n").slice(1).includes(heredoc);
  return command.endsWith("\\") || command.split("'").length % 2 === 0;
}
