// `npm start`: sets up what is missing, then is the launcher.
//
// package.json runs it with `exec`: npm passes a signal to the shell that it started, and the shell would end without
// passing it on. So npm's child is this process, and a `kill` of npm stops Plexus in order.

import { prepare } from "./prepare.mjs";
import { asCommand } from "./visibly.mjs";

await asCommand(async () => {
  const brokers = [];
  if (!process.env.NATS_URL) brokers.push("nats-server");
  if (!process.env.REDIS_URL) brokers.push("redis-server");
  await prepare({ build: ["gateway", "cells", "deploy", "shared/client"], brokers });
  await import("../dist/launcher/main.js");
});
