import type { Static } from "typebox";
import type { OperationBody, TenantBody } from "../../admin/schemas.js";
import { path } from "../api.js";
import { type Command, type CommandContext, show } from "../command.js";
import { usageError } from "../errors.js";
import { followOperation, showEnd } from "../follow.js";

const GOES_ON = "Ctrl-C ends the waiting, not the operation; it goes on by itself.";

/** Asks for a change, and waits for its end unless that is not wanted. */
async function change(context: CommandContext, url: string, body: object = {}): Promise<number> {
  const { operation } = await context.api.post<{ operation: OperationBody }>(url, body);
  return context.given.has("no-wait") ? showEnd(context, operation) : followOperation(context, operation);
}

export const drain: Command = {
  name: "drain",
  args: ["cell"],
  options: ["no-wait"],
  summary: "moves all channels of a cell to the others; clients stay connected",
  examples: ["plexus drain eu-1"],
  more: [
    GOES_ON,
    "When it is done the cell may be switched off. `plexus activate` turns it around, or back.",
  ],
  run: (context) => change(context, path`/v1/cells/${context.given.args[0]!}/drain`),
};

export const activate: Command = {
  name: "activate",
  args: ["cell"],
  options: ["no-wait"],
  summary: "gives a cell its share of the channels; turns a drain of it around",
  examples: ["plexus activate eu-1"],
  more: [GOES_ON],
  run: (context) => change(context, path`/v1/cells/${context.given.args[0]!}/activate`),
};

export const weight: Command = {
  name: "weight",
  args: ["cell", "weight"],
  options: ["no-wait"],
  summary: "changes a cell's share of the channels",
  examples: ["plexus weight eu-1 2"],
  more: ["A cell of weight 2 gets twice as many as one of weight 1.", GOES_ON],
  run: async (context) => {
    const [cell, text] = context.given.args as [string, string];
    const value = Number(text);
    if (!(value > 0)) throw usageError(`a weight is a number above 0, not "${text}"`);
    return change(context, path`/v1/cells/${cell}/weight`, { weight: value });
  },
};

export const down: Command = {
  name: "down",
  args: ["cell"],
  options: ["no-wait"],
  summary: "gives up a cell that does not answer, without waiting for the grace period",
  examples: ["plexus down eu-1"],
  more: [
    "Its channels open elsewhere. Where it can't be proven that nothing is missing, clients are told so.",
    "To take a cell out that works, drain it.",
  ],
  run: (context) => change(context, path`/v1/cells/${context.given.args[0]!}/down`),
};

export const pin: Command = {
  name: "pin",
  args: ["tenant", "[region]"],
  options: ["failover", "no-wait"],
  summary: "binds a tenant to a region, or shows which one it is bound to",
  examples: ["plexus pin acme eu --failover"],
  more: [GOES_ON],
  run: async (context) => {
    const [tenant, region] = context.given.args as [string, string | undefined];
    if (region !== undefined) {
      const body = { region, failover: context.given.has("failover") };
      return change(context, path`/v1/tenants/${tenant}/pin`, body);
    }
    const found = await context.api.get<Static<typeof TenantBody>>(path`/v1/tenants/${tenant}`);
    return show(context, found, ({ pin }) => [
      pin === null
        ? `${tenant} lives anywhere`
        : `${tenant} lives in ${pin.region}${pin.failover ? ", or elsewhere while that has no active cell" : " only"}`,
    ]);
  },
};

export const unpin: Command = {
  name: "unpin",
  args: ["tenant"],
  options: ["no-wait"],
  summary: "lets a tenant's channels live anywhere again",
  examples: ["plexus unpin acme"],
  more: [GOES_ON],
  run: (context) => change(context, path`/v1/tenants/${context.given.args[0]!}/unpin`),
};
