/** Connections that are there and do nothing. */
import { type Load, noCounts, type Target } from "./load.js";
import { openMany, openReady } from "./sockets.js";

export interface IdlePlan {
  readonly kind: "idle";
  readonly target: Target;
  readonly connections: number;
  readonly channelsEach: number;
  /** Connections that share a channel. */
  readonly sharedBy: number;
}

export async function idle({ target, connections, channelsEach, sharedBy }: IdlePlan): Promise<Load> {
  const counts = noCounts();
  let stopped = false;
  const closed = () => {
    if (!stopped) throw new Error("a connection of the load was closed");
  };
  const sockets = await openMany(connections, (number) => {
    const group = Math.floor(number / sharedBy);
    const channels = Array.from({ length: channelsEach }, (_, i) => `bench.idle-${group}-${i}`);
    return openReady(target, { token: target.token, channels }, { frame: () => undefined, closed }, number);
  });
  return {
    counts,
    stop: () => {
      stopped = true;
      for (const socket of sockets) socket.cut();
    },
  };
}
