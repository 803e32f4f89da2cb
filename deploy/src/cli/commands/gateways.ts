import type { Static } from "typebox";
import type { GatewaysBody, OperationBody } from "../../admin/schemas.js";
import { path } from "../api.js";
import { type Command, show } from "../command.js";
import { followOperation, showEnd } from "../follow.js";
import { span, table } from "../text.js";
import { missingLines } from "./missing.js";

type Gateways = Static<typeof GatewaysBody>;
type Gateway = Gateways["gateways"][number];

export const gateways: Command = {
  name: "gateways",
  args: [],
  options: [],
  summary: "the gateways, and how they are",
  examples: ["plexus gateways"],
  run: async (context) =>
    show(context, await context.api.get<Gateways>("/v1/gateways"), ({ gateways, missing }) => {
      const now = context.terminal.now();
      const columns = [
        { title: "GATEWAY", value: (gateway: Gateway) => gateway.id },
        { title: "STATE", value: stateOf },
        { title: "CONNECTIONS", value: (gateway: Gateway) => gateway.connections },
        { title: "CHANNELS", value: (gateway: Gateway) => gateway.channels },
        { title: "UP FOR", value: (gateway: Gateway) => span(now - gateway.startedAt) },
      ];
      return [...table(columns, gateways), ...missingLines(missing)];
    }),
};

function stateOf({ draining, connections }: Gateway): string {
  if (!draining) return "serving";
  return connections === 0 ? "drained" : "draining";
}

export const gatewayDrain: Command = {
  name: "gateway drain",
  args: ["gateway"],
  options: ["per-second", "force", "no-wait"],
  summary: "sends a gateway's connections to the others, a few at a time",
  examples: ["plexus gateway drain g1 --per-second 50"],
  more: [
    "The gateway accepts no more connections and is not ready any more; it stays so until it is started again.",
    "Clients with an SDK connect elsewhere before they leave; others are closed after a time of grace.",
    "Ctrl-C ends the waiting, not the drain.",
  ],
  run: async (context) => {
    const { api, given } = context;
    const perSecond = given.count("per-second", 1);
    const { operation } = await api.post<{ operation: OperationBody }>(
      path`/v1/gateways/${given.args[0]!}/drain`,
      { ...(perSecond === undefined ? {} : { perSecond }), ...(given.has("force") ? { force: true } : {}) },
    );
    return given.has("no-wait") ? showEnd(context, operation) : followOperation(context, operation);
  },
};
