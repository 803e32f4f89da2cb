import { runLauncher } from "./run.js";

// Whoever read along has gone, as in `npm start | head`: nobody would know what runs here, so it ends in order.
process.stdout.on("error", () => process.kill(process.pid, "SIGTERM"));

process.exitCode = await runLauncher(process.argv.slice(2), process.env);
