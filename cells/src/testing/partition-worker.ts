/**
 * A worker that owns partitions and does nothing else, as a process of its own: something that a test can kill or
 * stop in the middle. Arguments: NATS URL, cell, id. It tells its parent what it has lost, and ends with it.
 */
import { connectNats } from "@plexus/runtime";
import { silent } from "@plexus/runtime/testing";
import { Partitions } from "../partitions.js";

const [url = "", cell = "", id = ""] = process.argv.slice(2);
process.once("disconnect", () => process.exit(0));
const nats = await connectNats(url, id, silent);
const partitions = new Partitions({
  nats,
  cell,
  id,
  log: silent,
  listener: {
    command: (message) => void message.respond(id),
    lost: (lost) => void process.send?.({ lost: [...lost] }),
    doubted: () => undefined,
  },
});
await partitions.start();
await nats.flush();
process.send?.({ ready: true });
