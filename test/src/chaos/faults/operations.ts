/** What operators do, in the middle of it all. */
import type { Fault } from "./fault.js";

/** A cell is drained; one that is draining or drained is activated. */
const moveCell: Fault["begin"] = async ({ stage }, chance) => {
  const { cells } = stage.directory.current;
  const away = cells.find(({ state }) => state === "draining" || state === "drained");
  const active = cells.filter(({ state }) => state === "active");
  if (away === undefined && active.length < 2) return undefined;
  const [cell, what] = away === undefined ? [chance.pick(active).id, "drain"] : [away.id, "activate"];
  try {
    await stage.begin(`cells/${cell}/${what}`);
  } catch {
    return undefined; // refused, or the admin process is away
  }
  return { target: `${what} ${cell}`, end: async () => undefined };
};

/** Drained by an operator, then stopped and started again. */
const drainGateway: Fault["begin"] = async (world, chance) => {
  const gateway = world.take("gateway", chance);
  if (gateway === undefined) return undefined;
  try {
    await world.stage.begin(`gateways/${gateway.id}/drain`);
  } catch {
    world.release(gateway.id);
    return undefined;
  }
  const end = async () => {
    await world.stage.end(gateway, "SIGTERM");
    await world.stage.revive(gateway);
    world.release(gateway.id);
  };
  return { target: gateway.id, end };
};

export const OPERATIONS = {
  "move-cell": { doc: "a cell is drained, or activated again", lastsMs: [0, 0], begin: moveCell },
  "gateway-drain": {
    doc: "a gateway is drained, stopped and started again",
    lastsMs: [2_000, 5_000],
    begin: drainGateway,
  },
} satisfies Record<string, Fault>;
