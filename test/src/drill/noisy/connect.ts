import { Wire, type WireListener } from "../load/wire.js";
import type { LoadOrder } from "./orders.js";

/** Connections that may land elsewhere before one lands on the gateway asked for. */
const MAX_TRIES = 200;

/** A connection to the gateway whose turn it is. */
export async function connectTo(order: LoadOrder, turn: number, listener: WireListener): Promise<Wire> {
  const gateway = order.gateways[turn % order.gateways.length]!;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const wire = await Wire.open(order.url, order.token, listener);
    if (wire.welcome!.gateway === gateway) return wire;
    wire.leave();
  }
  throw new Error(`no connection landed on ${gateway}`);
}
