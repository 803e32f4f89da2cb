import { activation } from "./activation.js";
import type { Bench } from "./bench.js";
import { compression } from "./compression.js";
import { connections } from "./connections.js";
import { fanout } from "./fanout.js";
import { growth } from "./growth.js";
import { history } from "./history.js";
import { latency } from "./latency.js";
import { presence } from "./presence.js";
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
  presence,
  history,
  compression,
  growth,
};
