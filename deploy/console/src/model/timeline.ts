/** The newest messages of a channel, as its event stream brings them. Pure. */

/** More are not looked through by eye; the rest is in the history. */
const KEPT_MESSAGES = 100;

export interface Message {
  readonly epoch: string;
  readonly seq: number;
  readonly user: string;
  readonly ts: number;
  readonly data: unknown;
}

interface MsgFrame {
  readonly epoch: string;
  readonly seq: number;
  readonly m: ReadonlyArray<{ readonly user: string; readonly ts: number; readonly data: unknown }>;
}

/** Newest first. A stream that was begun anew repeats what is known. */
export function withFrame(known: readonly Message[], { epoch, seq, m }: MsgFrame): readonly Message[] {
  const fresh = m
    .map(({ user, ts, data }, i) => ({ epoch, seq: seq + i, user, ts, data }))
    .filter((one) => !known.some((other) => other.epoch === one.epoch && other.seq === one.seq));
  if (fresh.length === 0) return known;
  return [...fresh.reverse(), ...known].slice(0, KEPT_MESSAGES);
}
