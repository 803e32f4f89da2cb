// `npm start`: sets up what is missing, then is the launcher.

import { prepare } from "./prepare.mjs";
import { asCommand } from "./visibly.mjs";

await asCommand(async () => {
  const brokers = [];
  if (!process.env.NATS_URL) brokers.push("nats-server");
  if (!process.env.REDIS_URL) brokers.push("redis-server");
  await prepare({ build: ["gateway", "cells", "deploy", "shared/client"], brokers });
  await import("../dist/launcher/main.js");
});
