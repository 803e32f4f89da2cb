import assert from "node:assert/strict";
import { test } from "node:test";
import { PlexusError } from "@plexus/protocol";
import { patiently } from "./patiently.js";
import { silent } from "./testing/index.js";

test("what fails at first is tried again", async () => {
  let tries = 0;
  const task = async () => {
    if (++tries < 3) throw new Error("not yet");
    return tries;
  };
  assert.equal(await patiently("it", task, silent), 3);
});

test("what is refused is not", async () => {
  let tries = 0;
  const refused = async () => {
    tries++;
    throw new PlexusError("unavailable", "being restored");
  };
  await assert.rejects(patiently("it", refused, silent), /being restored/);
  assert.equal(tries, 1);
});
