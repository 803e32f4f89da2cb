// `npm run drill -- <name>`: sets up what is missing, then changes a cluster of its own under load and checks every
// message. See test/src/drill/.

import { prepare } from "./prepare.mjs";
import { asCommand } from "./visibly.mjs";

await asCommand(async () => {
  await prepare({ build: ["gateway", "cells", "deploy", "test"], brokers: ["nats-server", "redis-server"] });
  await import("../../test/dist/drill/main.js");
});
