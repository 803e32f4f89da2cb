// What a person sees of the set-up: nothing while it is quick, a line every few seconds while it is not, and the
// whole output of a step that failed.

import { spawn } from "node:child_process";

const FIRST_LINE_MS = 1_000;
const NEXT_LINE_MS = 4_000;
const KEPT_OUTPUT_CHARS = 200_000;

/** A failure that a person can act on: its message is shown without a stack. */
export class SetupError extends Error {}

/**
 * Runs a command to its end and says what is going on if that takes long.
 *
 * @param {string} title what is being done, e.g. "Installing the dependencies"
 * @param {string[]} command program and arguments
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<string>} everything the command printed (bounded)
 * @throws {SetupError} with that output, if the command fails
 */
export async function runVisibly(title, [program, ...args], options = {}) {
  const startedAt = performance.now();
  const seconds = () => `${Math.round((performance.now() - startedAt) / 1000)} s`;
  let output = "";
  let shown = false;
  const show = () => {
    console.log(shown ? `  … ${seconds()}  ${lastLine(output)}` : `${title} …`);
    shown = true;
    timer = setTimeout(show, NEXT_LINE_MS);
  };
  let timer = setTimeout(show, FIRST_LINE_MS);
  const keep = (chunk) => {
    output = (output + chunk).slice(-KEPT_OUTPUT_CHARS);
  };
  try {
    const outcome = await new Promise((resolve, reject) => {
      const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
      child.stdout.setEncoding("utf8").on("data", keep);
      child.stderr.setEncoding("utf8").on("data", keep);
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? signal));
    });
    if (outcome !== 0) throw new SetupError(`${title} failed (${outcome}):\n\n${output.trim()}\n`);
    if (shown) console.log(`  done in ${seconds()}`);
    return output;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs one of the commands of package.json: its set-up errors become one message and exit code 1.
 *
 * @param {() => Promise<void>} command
 */
export async function asCommand(command) {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

function lastLine(output) {
  const lines = output.split(/[\r\n]+/).filter((line) => /\S/.test(line) && !line.startsWith("npm warn"));
  return (lines.at(-1) ?? "").trim().slice(0, 100);
}
