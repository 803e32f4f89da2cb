/** The clients, as a process: all that listen, and the one that publishes. */

import { answerParent } from "../harness/child.js";
import { until } from "../harness/wait.js";
import type {
  CrowdPlan,
  CrowdResult,
  Library,
  Listener,
  SideName,
  Speaker,
  Standing,
} from "./crowd-types.js";
import { plexusLibrary } from "./plexus-library.js";
import { socketIoLibrary } from "./socket-io-library.js";
import { Tally } from "./tally.js";

const LIBRARIES: Record<SideName, Library> = { plexus: plexusLibrary, "socket.io": socketIoLibrary };
/** Clients that connect at once. */
const TOGETHER = 20;
const TICK_MS = 5;
/** About the size of a chat message. */
const TEXT = "x".repeat(80);
/** Everybody is connected, and nothing came for so long: nothing will. */
const QUIET_MS = 5_000;
const SETTLED_WITHIN_MS = 120_000;

let speaker: Speaker;
const listeners: Listener[] = [];
const tallies: Tally[] = [];
let [published, failed, lastAt] = [0, 0, 0];
let firstFailure: unknown;

async function connect({ side, port, ports, token, messages }: CrowdPlan): Promise<void> {
  const library = LIBRARIES[side];
  speaker = await library.speak({ port, token });
  const rest = ports.values();
  const connectSome = async () => {
    for (const own of rest) {
      const tally = new Tally(messages);
      tallies.push(tally);
      const got = (number: number) => {
        lastAt = performance.now();
        tally.got(number);
      };
      listeners.push(await library.listen({ port: own, token }, got));
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, connectSome));
}

/** Publishes at a steady rate, however late a tick is. */
async function publish({ rate, messages }: { rate: number; messages: number }): Promise<void> {
  const startedAt = performance.now();
  const underWay: Array<Promise<void>> = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(messages, ((performance.now() - startedAt) * rate) / 1_000);
      while (underWay.length < due) underWay.push(publishOne(underWay.length));
      if (underWay.length < messages) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await Promise.all(underWay);
}

async function publishOne(number: number): Promise<void> {
  await speaker.publish({ number, text: TEXT }).then(
    () => published++,
    (error: unknown) => {
      failed++;
      firstFailure ??= error;
    },
  );
}

function sum(of: (tally: Tally) => number): number {
  return tallies.reduce((total, tally) => total + of(tally), 0);
}

function isComplete({ received }: Tally): boolean {
  return received.unique >= published;
}

/** Waits until everybody has everything, or nothing comes any more. */
async function settle(): Promise<CrowdResult> {
  await until(
    "everything to settle",
    () => {
      if (tallies.every(isComplete)) return true;
      return listeners.every(({ connected }) => connected) && performance.now() - lastAt > QUIET_MS;
    },
    SETTLED_WITHIN_MS,
  );
  if (failed > 0) throw new Error(`${failed} messages could not be published: ${String(firstFailure)}`);
  return {
    published,
    clients: tallies.length,
    complete: tallies.filter(isComplete).length,
    delivered: sum(({ received }) => received.unique),
    duplicated: sum(({ received }) => received.duplicated),
    outOfOrder: sum(({ received }) => received.outOfOrder),
    toldOfGap: listeners.reduce((total, { toldOfGap }) => total + toldOfGap, 0),
    reconnects: listeners.reduce((total, { reconnects }) => total + reconnects, 0),
  };
}

function standing(): Standing {
  const connected = listeners.filter((listener) => listener.connected).length;
  return { published, delivered: sum(({ received }) => received.unique), connected };
}

answerParent({ connect, publish, settle, standing });
