// Programs that bring up a cluster of their own and are begun by `npm run <name>`: sets up what is missing, then runs
// the compiled program in test/dist/<name>/.

import { prepare } from "./prepare.mjs";
import { asCommand } from "./visibly.mjs";

/** @param {string} name of the folder in test/src/ */
export async function runProgram(name) {
  await asCommand(async () => {
    await prepare({
      build: ["gateway", "cells", "deploy", "test"],
      brokers: ["nats-server", "redis-server"],
    });
    await import(new URL(`../../test/dist/${name}/main.js`, import.meta.url).href);
  });
}
