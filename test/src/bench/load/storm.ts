/**
 * Everybody is cut off at once and comes back: each connection resumes from its position, and must get what was
 * published meanwhile.
 */
import { DIALECTS } from "./dialects.js";
import { type Load, noCounts, type Target } from "./load.js";
import { openMany, openReady } from "./sockets.js";
import type { LoadWebSocket } from "./websocket.js";

export interface StormPlan {
  readonly kind: "storm";
  readonly target: Target;
  readonly run: string;
  readonly connections: number;
  readonly channels: number;
  /** Messages of each channel while nobody is there. */
  readonly missed: number;
}

/** Connections being opened at a time; a gateway's bound on handshakes is twice that. */
const AT_ONCE = 1_000;

interface Client {
  readonly number: number;
  readonly channel: string;
  socket: LoadWebSocket;
  /** Where it resumes; none where the server knows no positions. */
  since: { epoch: string; seq: number } | undefined;
}

export async function storm(plan: StormPlan): Promise<Load> {
  const { target, connections, run } = plan;
  const clients: Client[] = await openMany(
    connections,
    async (number) => {
      const channel = `bench.storm-${run}-${number % plan.channels}`;
      return connect(target, { number, channel, since: undefined }, 0);
    },
    AT_ONCE,
  );
  return {
    counts: noCounts(),
    act: async () => {
      for (const { socket } of clients) socket.cut();
      await publishMissed(plan);
      const startedAt = performance.now();
      const back = await openMany(connections, (i) => connect(target, clients[i]!, plan.missed), AT_ONCE);
      const seconds = (performance.now() - startedAt) / 1_000;
      for (const [i, client] of back.entries()) clients[i] = client;
      return { seconds };
    },
    stop: () => {
      for (const { socket } of clients) socket.cut();
    },
  };
}

/** Resolves once the client is subscribed, and has got what it missed where the server knows positions. */
async function connect(target: Target, client: Omit<Client, "socket">, missed: number): Promise<Client> {
  const dialect = DIALECTS[target.dialect];
  const { channel, number } = client;
  let { since } = client;
  const wants = since === undefined ? 0 : missed;
  let came = 0;
  let complete: () => void = () => undefined;
  const isComplete = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const take = (chunk: Buffer, from: number, to: number) => {
    came += dialect.messagesIn(chunk, from, to);
    if (came >= wants) complete();
  };
  const wanted = { token: target.token, channels: [channel], ...(since !== undefined && { since }) };
  const listener = {
    // What is on the way to being ready may hold messages as well.
    before: (text: string, chunk: Buffer, from: number, to: number) => {
      since = dialect.positionIn(text) ?? since;
      take(chunk, from, to);
    },
    frame: take,
    closed: () => undefined,
  };
  const socket = await openReady(target, wanted, listener, number);
  if (came >= wants) complete();
  await isComplete;
  return { number, channel, socket, since };
}

async function publishMissed({ target, run, channels, missed }: StormPlan): Promise<void> {
  const dialect = DIALECTS[target.dialect];
  const total = channels * missed;
  let acknowledged = 0;
  let done: () => void = () => undefined;
  const isDone = new Promise<void>((resolve) => {
    done = resolve;
  });
  const frame = (chunk: Buffer, from: number, to: number) => {
    acknowledged += dialect.acksIn(chunk, from, to);
    if (acknowledged >= total) done();
  };
  const socket = await openReady(
    target,
    { token: target.token, channels: [] },
    { frame, closed: () => undefined },
  );
  for (let i = 0; i < total; i++)
    socket.send(dialect.publish(i, `bench.storm-${run}-${i % channels}`, "missed"));
  await isDone;
  socket.cut();
}
