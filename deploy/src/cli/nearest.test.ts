import assert from "node:assert/strict";
import { test } from "node:test";
import { editsBetween, nearest } from "./nearest.js";

test("letters put in, taken out, replaced and swapped count one each", () => {
  for (const [from, to, edits] of [
    ["cells", "cells", 0],
    ["cell", "cells", 1],
    ["cellss", "cells", 1],
    ["sells", "cells", 1],
    ["celsl", "cells", 1],
    ["", "ops", 3],
    ["drain", "cells", 5],
  ] as const)
    assert.equal(editsBetween(from, to), edits, `${from} ${to}`);
});

test("only what is near is meant, and the nearest first", () => {
  const names = ["cells", "pin", "unpin", "user", "ops"];
  assert.equal(nearest("cell", names), "cells");
  assert.equal(nearest("unpn", names), "unpin");
  assert.equal(nearest("nonsense", names), undefined);
  assert.equal(nearest("xyz", names), undefined, "a short name is not meant by just anything");
});
