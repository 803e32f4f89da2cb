import { activation } from "./activation.js";
import type { Bench } from "./bench.js";
import { connections } from "./connections.js";
import { fanout } from "./fanout.js";
import { latency } from "./latency.js";
import { publish } from "./publish.js";
import { storm } from "./storm.js";
import { tracing } from "./tracing.js";

export const BENCHES: Readonly<Record<string, Bench>> = {
  fanout,
  publish,
  latency,
  connections,
  storm,
  activation,
  tracing,
};
