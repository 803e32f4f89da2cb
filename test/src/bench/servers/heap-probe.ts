/** Loaded into a server whose memory is measured: with SIGUSR2 it collects all garbage and writes down what its heap holds. */
import { renameSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { heapFile } from "./heap-file.js";

const session = new Session();
session.connect();

process.on("SIGUSR2", () => {
  // As V8 does where memory is short: it also gives back the youngest generation, up to 64 MiB whatever it holds. What `gc()`
  // leaves of it depends on how much came in the seconds before.
  session.post("HeapProfiler.collectGarbage", () => {
    const file = heapFile(process.pid);
    writeFileSync(`${file}.new`, String(process.memoryUsage().heapUsed));
    renameSync(`${file}.new`, file);
  });
});
