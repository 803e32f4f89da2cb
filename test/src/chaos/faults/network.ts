/** What networks do, between clients and gateways, and between processes and their brokers. */
import { setTimeout as pause } from "node:timers/promises";
import type { FaultProxy, Impairment } from "../../harness/fault-proxy.js";
import type { Seeded } from "../../harness/seeded.js";
import type { BrokerLink, World } from "../world.js";
import type { Fault } from "./fault.js";

/** Between drops of the same clients. */
const BETWEEN_DROPS_MS = 2_000;
const DROPPED_FOR_MS = 2_000;
const SHARE_OF_CLIENTS = 0.4;

/** One connection's end: a proxy, and which of its links a fault takes. */
interface Place {
  readonly name: string;
  readonly proxy: FaultProxy;
  chosen(): boolean;
}

type Where = (world: World, chance: Seeded) => Place;

const clients: Where = ({ clients: proxy }, chance) => ({
  name: "clients",
  proxy,
  chosen: () => chance.next() < SHARE_OF_CLIENTS,
});

function between(of: "gateway" | "worker", broker: BrokerLink["broker"]): Where {
  return (world, chance) => {
    const ids = world.stage.cluster.processes.filter(({ kind }) => kind === of).map(({ id }) => id);
    const links = world.links.filter((link) => link.broker === broker && ids.includes(link.process));
    const { process, proxy } = chance.pick(links);
    return { name: `${process} to ${broker}`, proxy, chosen: () => true };
  };
}

/** Taken for itself: two faults of one connection would end each other. */
function at(
  where: Where,
  begin: (place: Place, chance: Seeded, over: AbortSignal) => unknown,
): Fault["begin"] {
  return async (world, chance, over) => {
    const place = where(world, chance);
    if (!world.reserve(place.name)) return undefined;
    begin(place, chance, over);
    const end = async () => {
      place.proxy.heal();
      world.release(place.name);
    };
    return { target: place.name, end };
  };
}

function impaired(where: Where, doc: string, how: (chance: Seeded) => Impairment): Fault {
  const begin = at(where, ({ proxy, chosen }, chance) => proxy.impair(how(chance), chosen));
  return { doc, lastsMs: [1_000, 6_000], begin };
}

function cut(where: Where, doc: string): Fault {
  const begin = at(where, ({ proxy, chosen }) => {
    proxy.refuse(true);
    proxy.cut(chosen);
  });
  return { doc, lastsMs: [100, 3_000], begin };
}

/** Some clients lose their connection, and again, and again. */
const dropping = at(clients, async ({ proxy, chosen }, _, over) => {
  while (!over.aborted) {
    proxy.refuse(true);
    proxy.cut(chosen);
    await pause(DROPPED_FOR_MS);
    proxy.refuse(false);
    await pause(BETWEEN_DROPS_MS);
  }
});

/** @param slowest and fastest: bytes per second of a slow connection */
function linkFaults(
  name: string,
  where: Where,
  words: string,
  [slowest, fastest]: readonly [number, number],
): Record<string, Fault> {
  return {
    [`${name}-cut`]: cut(where, `${words} are cut, and refused for a while`),
    [`${name}-freeze`]: impaired(where, `${words} stay open and carry nothing`, () => ({
      hold: ["up", "down"],
    })),
    [`${name}-deaf`]: impaired(where, `${words} carry nothing to the one who opened them`, () => ({
      hold: ["down"],
    })),
    [`${name}-mute`]: impaired(where, `${words} carry nothing from the one who opened them`, () => ({
      hold: ["up"],
    })),
    [`${name}-delay`]: impaired(where, `${words} are late`, (chance) => ({ delayMs: chance.int(20, 400) })),
    [`${name}-slow`]: impaired(where, `${words} carry a few bytes a second`, (chance) => ({
      bytesPerSecond: chance.int(slowest, fastest),
    })),
    [`${name}-slice`]: impaired(where, `${words} bring everything in pieces of a few bytes`, (chance) => ({
      sliceBytes: chance.int(1, 100),
    })),
  };
}

export const NETWORK_FAULTS: Record<string, Fault> = {
  ...linkFaults("client", clients, "connections of clients to gateways", [2_000, 20_000]),
  "client-drop": {
    doc: "connections of clients are cut for 2 s, again and again",
    lastsMs: [6_000, 10_000],
    begin: dropping,
  },
  ...linkFaults(
    "gateway-nats",
    between("gateway", "nats"),
    "connections of a gateway to NATS",
    [30_000, 300_000],
  ),
  ...linkFaults(
    "worker-nats",
    between("worker", "nats"),
    "connections of a worker to NATS",
    [30_000, 300_000],
  ),
  ...linkFaults(
    "worker-redis",
    between("worker", "redis"),
    "connections of a worker to Redis",
    [30_000, 300_000],
  ),
};
