import { runLauncher } from "./run.js";

process.exitCode = await runLauncher(process.argv.slice(2), process.env);
