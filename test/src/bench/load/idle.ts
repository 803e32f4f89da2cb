/** Connections that are there and do nothing. */
import { type Load, noCounts, type Target } from "./load.js";
import { Course, openMany, openReady } from "./sockets.js";

export interface IdlePlan {
  readonly kind: "idle";
  readonly target: Target;
  readonly connections: number;
  readonly channelsEach: number;
  /** Connections that share a channel. */
  readonly sharedBy: number;
  /** Whether they are members of their channels. */
  readonly presence: boolean;
}

export async function idle(plan: IdlePlan): Promise<Load> {
  const { target, connections, channelsEach, sharedBy, presence } = plan;
  const counts = noCounts();
  const course = new Course();
  const sockets = await openMany(connections, (number) => {
    const group = Math.floor(number / sharedBy);
    const channels = Array.from({ length: channelsEach }, (_, i) => `bench.idle-${group}-${i}`);
    const wanted = { token: target.token, channels, ...(presence && { presence }) };
    return openReady(target, wanted, { frame: () => undefined, closed: course.closed }, number);
  });
  return {
    counts,
    stop: () => course.end(sockets),
  };
}
