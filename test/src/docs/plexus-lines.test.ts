import assert from "node:assert/strict";
import { test } from "node:test";
import { mentions, offence } from "./plexus-lines.js";

const commands = [
  { name: "cells", options: [] },
  { name: "drain", options: ["no-wait"] },
  { name: "gateway drain", options: ["force"] },
  { name: "game-day stop", options: [] },
];
const offences = (markdown: string) =>
  mentions("p", markdown).plexus.map((mention) => offence(mention, commands, ["json"]) !== undefined);

test("commands are found in blocks and in sentences, and nowhere else", () => {
  const text =
    "see `plexus cells`, plexus drain and `plexus/x`\n```\n$ npx plexus drain eu-1 # now\nX=1 plexus cells | cat --all\n```";
  assert.deepEqual(
    mentions("p", text).plexus.map(({ line, words }) => [line, words.join(" ")]),
    [
      [1, "cells"],
      [3, "drain eu-1"],
      [4, "cells"],
    ],
  );
  assert.deepEqual(mentions("p", "`npm run drill -- x`").scripts[0]!.words, ["drill"]);
});

test("there must be such a command, with such options", () => {
  assert.deepEqual(
    offences(
      "`plexus cells --json` `plexus gateway drain <gateway>` `plexus gateway` `plexus game-day stop`",
    ),
    [false, false, false, false],
  );
  assert.deepEqual(offences("`plexus drain eu-1 --no-wait` `plexus drain eu-1 --force`"), [false, true]);
  assert.deepEqual(offences("`plexus nothing` `plexus cells --what 'a --b'`"), [true, true]);
});
