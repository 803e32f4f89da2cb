/** Loaded into a server whose memory is measured: with SIGUSR2 it collects all garbage and writes down what its heap holds. */
import { renameSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { heapFile } from "./heap-file.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

process.on("SIGUSR2", () => {
  // What the first one finds to be finalized, the second one removes.
  collect();
  collect();
  const file = heapFile(process.pid);
  writeFileSync(`${file}.new`, String(process.memoryUsage().heapUsed));
  renameSync(`${file}.new`, file);
});
