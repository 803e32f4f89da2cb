/** Runs a program with V8's profiler on; the profile is written when the process ends. */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector";

/** Microseconds between two samples. */
const INTERVAL_US = 500;

const { PROFILED_PROGRAM: program, PROFILE_FILE: file } = process.env;
if (program === undefined || file === undefined)
  throw new Error("PROFILED_PROGRAM and PROFILE_FILE say what, and where to");
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
session.post("Profiler.start");
process.once("exit", () => {
  // In the same thread the answer comes before `post` returns.
  session.post("Profiler.stop", (error, { profile }) => {
    if (error === null) writeFileSync(`${file}.${process.pid}`, JSON.stringify(profile));
  });
});
await import(program);
