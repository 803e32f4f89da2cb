/**
 * Loaded into a process before its own code: the wall clock can be put forward or back while it runs, as a bad time
 * server does it. The file named by CHAOS_CLOCK_FILE says by how many milliseconds, for each process.
 */
import { readFileSync } from "node:fs";

const { CHAOS_CLOCK_FILE: file, PLEXUS_WORKER_ID, PLEXUS_GATEWAY_ID } = process.env;
const name = PLEXUS_WORKER_ID ?? PLEXUS_GATEWAY_ID;
const LOOK_EVERY_MS = 200;
let offsetMs = 0;

if (file !== undefined && name !== undefined) {
  const RealDate = Date;
  const now = () => RealDate.now() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
  });
  setInterval(() => {
    try {
      offsetMs = (JSON.parse(readFileSync(file, "utf8")) as Record<string, number>)[name] ?? 0;
    } catch {
      // It is being written; the next look finds it whole.
    }
  }, LOOK_EVERY_MS).unref();
}
