/** `npm run screenshots -- [--folder DIR] [--seconds N]`: takes the pictures of docs/img anew. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { takeScreenshots } from "./screenshots.js";

const { values } = parseArgs({
  options: {
    folder: { type: "string", default: fileURLToPath(new URL("../../../docs/img/", import.meta.url)) },
    seconds: { type: "string", default: "90" },
  },
});
await takeScreenshots({ folder: values.folder, seconds: Number(values.seconds) }, (line) =>
  console.log(line),
);
