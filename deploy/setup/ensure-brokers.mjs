import { aptInstall, whyNoApt } from "./apt.mjs";
import { findProgram } from "./find-program.mjs";
import { SetupError } from "./visibly.mjs";

const HOW_TO = `
  Debian, Ubuntu   sudo apt-get install nats-server redis-server
  macOS            brew install nats-server redis
  Docker           docker run -d -p 4222:4222 nats:2 -js
                   docker run -d -p 6379:6379 redis:7
                   and then: NATS_URL=nats://127.0.0.1:4222 REDIS_URL=redis://127.0.0.1:6379 npm start
`;

/**
 * Finds the brokers' programs or installs them. None is started here.
 *
 * @param {string[]} programs of "nats-server" and "redis-server", the ones that will be needed
 */
export async function ensureBrokers(programs = ["nats-server", "redis-server"]) {
  const missing = programs.filter((program) => !findProgram([program]));
  if (missing.length === 0) return;
  const names = missing.join(" and ");
  let reason = whyNoApt();
  if (!reason) {
    try {
      await aptInstall(`Installing ${names} with apt`, missing); // Debian's packages are named like the programs
      if (missing.every((program) => findProgram([program]))) return;
      reason = "apt installed the packages, but the programs are still not to be found";
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      reason = error.message;
    }
  }
  throw new SetupError(
    `Plexus needs ${names}. Installing by itself did not work: ${reason}.\nOne of these helps:\n${HOW_TO}`,
  );
}
