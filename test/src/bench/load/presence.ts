/**
 * Members of one channel who leave and come back at a steady rate: each join timed from when it was due until another
 * member is told of it.
 */
import { Latencies, openLoop } from "./latencies.js";
import { type Load, noCounts, type Target } from "./load.js";
import { Course, openMany, openReady } from "./sockets.js";
import type { LoadWebSocket } from "./websocket.js";

export interface PresencePlan {
  readonly kind: "presence";
  readonly target: Target;
  readonly channel: string;
}

/** What the load does next. First members come until there are so many, then changes go on until it is told again. */
export interface PresenceAct {
  readonly members: number;
  /** Joins and leaves together; 0: nobody comes or goes. */
  readonly changesPerSecond: number;
}

interface Member {
  readonly socket: LoadWebSocket;
  readonly conn: string;
}

const CONN = /"conn":"([^"]+)"/;
const JOINED = /\{"conn":"([^"]+)","user"/g;
/** A list of thousands of members goes to each who comes. */
const JOINING_AT_ONCE = 8;
/** Members who are gone for a while, so that nobody comes back before their leave was told; of a few, a share. */
const AWAY = 64;
const AWAY_SHARE = 0.25;

export async function presence({ target, channel }: PresencePlan): Promise<Load> {
  const counts = noCounts();
  const latencies = new Latencies();
  const members: Member[] = [];
  const away: Member[] = [];
  const due = new Map<string, number>();
  let id = 10;
  const course = new Course();
  let end: () => void = () => undefined;
  const join = async () => {
    let conn = "";
    const before = (text: string) => {
      conn ||= CONN.exec(text)?.[1] ?? "";
    };
    const frame = (_: Buffer, from: number, to: number) => {
      counts.delivered += to - from;
    };
    const wanted = { token: target.token, channels: [channel], presence: true };
    const socket = await openReady(target, wanted, { before, frame, closed: course.closed });
    members.push({ socket, conn });
  };
  const change = (dueMs: number) => {
    counts.published++;
    const mostAway = Math.min(AWAY, AWAY_SHARE * (members.length + away.length));
    if (away.length >= mostAway) {
      const back = away.shift()!;
      due.set(back.conn, dueMs);
      back.socket.send(`{"op":"sub","id":${id++},"ch":"${channel}","presence":true}`);
      members.push(back);
    } else if (members.length > 1) {
      // The first one stays: it is the one that is told.
      const [gone] = members.splice(1 + (counts.published % (members.length - 1)), 1);
      gone!.socket.send(`{"op":"unsub","id":${id++},"ch":"${channel}"}`);
      away.push(gone!);
    }
  };
  const told = (chunk: Buffer, from: number, to: number) => {
    counts.delivered += to - from;
    const text = chunk.toString("latin1", from, to);
    if (!text.startsWith('{"op":"presence"')) return;
    const now = performance.now();
    const leave = text.indexOf('"leave":[');
    for (const [, conn] of text.slice(0, leave === -1 ? undefined : leave).matchAll(JOINED)) {
      const dueMs = due.get(conn!);
      if (dueMs === undefined) continue;
      due.delete(conn!);
      latencies.record(now - dueMs);
      counts.acknowledged++;
    }
  };
  await join();
  members[0]!.socket.listener = { frame: told, closed: course.closed };
  return {
    counts,
    takeLatency: () => latencies.take(),
    act: async (what) => {
      const { members: wanted, changesPerSecond } = what as PresenceAct;
      end();
      const missing = Math.max(0, wanted - members.length - away.length);
      await openMany(missing, join, JOINING_AT_ONCE);
      end = changesPerSecond === 0 ? () => undefined : openLoop(changesPerSecond, change);
      return { members: members.length };
    },
    stop: () => {
      end();
      course.end([...members, ...away].map(({ socket }) => socket));
    },
  };
}
