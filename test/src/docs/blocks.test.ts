import assert from "node:assert/strict";
import { test } from "node:test";
import { REASONS, readPage } from "./blocks.js";

function page(...lines: string[]) {
  return readPage("docs/x.md", lines.join("\n"));
}

test("a script is one step; with prompts each command is one, with what the page shows of its output", () => {
  const { shell, problems } = page(
    "```sh",
    "A=1",
    "echo $A",
    "```",
    "text",
    "```",
    "$ a \\",
    "  b",
    "c d",
    "",
    "$ e",
    "```",
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    shell.map(({ line, steps }) => [line, steps]),
    [
      [1, [{ line: 2, command: "A=1\necho $A", shown: [] }]],
      [
        6,
        [
          { line: 7, command: "a \\\n  b", shown: ["c d"] },
          { line: 11, command: "e", shown: [] },
        ],
      ],
    ],
  );
});

test("a command goes on until its quotes and its text are over", () => {
  const { shell } = page("```sh", "$ node -e '", "1'", "$ cat <<'X'", "$ no", "X", "said", "```");
  assert.deepEqual(
    shell[0]!.steps.map(({ command, shown }) => [command, shown]),
    [
      ["node -e '\n1'", []],
      ["cat <<'X'\n$ no\nX", ["said"]],
    ],
  );
});

test("a comment in the line above says what becomes of a block", () => {
  const fates = [
    ['<!-- beside, until "is here" -->', { kind: "beside", until: "is here" }],
    [
      '<!-- tested by: test/src/x.test.ts "a b" "c" -->',
      { kind: "tested", by: "test/src/x.test.ts", words: ["a b", "c"] },
    ],
    [`<!-- not run here: ${REASONS[1]} -->`, { kind: "notRun", reason: REASONS[1] }],
    ["nothing", { kind: "run" }],
  ] as const;
  for (const [comment, fate] of fates)
    assert.deepEqual(page(comment, "```sh", "x", "```").shell[0]!.fate, fate);
});

test("what is no reason, says nothing, or runs for long is a problem that says what to do", () => {
  const problems = [
    page("<!-- not run here: no time -->", "```sh", "x", "```"),
    page("<!-- tested by: test/src/x.test.ts -->", "```sh", "x", "```"),
    page("```sh", "npm run bench", "```"),
    page("```", "npx plexus cells", "```"),
  ].map((read) => read.problems);
  assert.deepEqual(
    problems.map(([problem]) => problem!.split(":").slice(0, 2).join(":")),
    ["docs/x.md:2", "docs/x.md:2", "docs/x.md:1", "docs/x.md:1"],
  );
  assert.match(problems[0]![0]!, /these are: .*needs docker/);
  assert.match(problems[2]![0]!, /npm run is not run by the way; say above the block: <!-- beside/);
});

test("programs that have a file's name are found, other languages are none of this", () => {
  const { programs, shell } = page(
    "```js chat.mjs",
    "1;",
    "```",
    "```js client",
    "2;",
    "```",
    "- a",
    "  ```sh",
    "  b",
    "  ```",
  );
  assert.deepEqual(programs, [{ name: "chat.mjs", text: "1;\n" }]);
  assert.equal(shell[0]!.text, "b");
});
