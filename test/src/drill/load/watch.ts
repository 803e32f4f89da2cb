/** One subscriber of one channel: everything it received, in order, to be judged afterwards. Pure. */
import type { MsgFrame, Position, SubOk } from "@plexus/protocol";

export interface Arrival {
  readonly epoch: string;
  readonly seq: number;
  /** The publisher's number of the message. */
  readonly number: number;
}

/** What the drill puts into `data`. */
export interface Payload {
  n: number;
  pad?: string;
}

export class Watch {
  readonly channel: string;
  readonly arrivals: Arrival[] = [];
  /** The subscription could not be continued without a hole: `reset`, or `recovered: false`. */
  unrecovered = 0;
  /** Whether it is subscribed at this time. */
  live = false;
  /** Where this subscriber stands; undefined before it was subscribed. */
  position: Position | undefined;

  constructor(channel: string) {
    this.channel = channel;
  }

  /** @param resumed whether `since` was asked for */
  subscribed({ epoch, seq, recovered }: SubOk, resumed: boolean): void {
    this.live = true;
    if (resumed && recovered) return;
    if (resumed) this.unrecovered++;
    this.position = { epoch, seq };
  }

  reset({ epoch, seq }: Position): void {
    this.unrecovered++;
    this.position = { epoch, seq };
  }

  received({ epoch, seq, m }: MsgFrame): void {
    for (const [i, { data }] of m.entries()) this.arrived(epoch, seq + i, data);
  }

  arrived(epoch: string, seq: number, data: unknown): void {
    this.arrivals.push({ epoch, seq, number: (data as Payload).n });
    this.position = { epoch, seq };
  }
}
