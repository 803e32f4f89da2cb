/** A bot with a plain NATS client: answers "ping" in a channel, and misses nothing while it is connected or away. */
import { connect, nkeyAuthenticator } from "nats";

const { NATS_URL = "nats://127.0.0.1:4222", SEED, CHANNEL = "chat.lobby" } = process.env;
const me = "demo.ponger"; // <tenant>.<bot>
const nats = await connect({
  servers: NATS_URL,
  inboxPrefix: `_INBOX.${me}`,
  maxReconnectAttempts: -1,
  ...(SEED === undefined ? {} : { authenticator: nkeyAuthenticator(new TextEncoder().encode(SEED)) }),
});

interface Message {
  seq: number;
  user: string;
  data: unknown;
}

/** A request that is repeated until somebody answers; harmless, since each publish has its mid. */
async function ask(operation: string, body: object = {}) {
  for (;;) {
    try {
      const answer = await nats.request(`bot.${me}.${operation}.${CHANNEL}`, JSON.stringify(body), {
        timeout: 5_000,
      });
      const { ok, error, ...fields } = answer.json<{
        ok: boolean;
        error?: { message: string; retry?: number };
      }>();
      if (ok) return fields as Record<string, unknown>;
      if (error?.retry === undefined) throw new Error(error?.message);
      await new Promise((resolve) => setTimeout(resolve, error.retry));
    } catch (error) {
      if (!["TimeoutError", "RequestError"].includes((error as Error).name)) throw error;
      console.error(`${operation}: ${(error as Error).message}`);
    }
  }
}

// First listen, then ask where to begin, so that nothing lies in between.
const live = nats.subscribe(`evt.demo.${CHANNEL}`);
let at = (await ask("position")) as { epoch: string | null; seq: number };
if (at.epoch === null) {
  const { epoch, messages } = (await ask("history", { limit: 1 })) as { epoch: string; messages: Message[] };
  at = { epoch, seq: messages.at(-1)?.seq ?? 0 };
  await ask("position", at);
}

/** Everything behind the position, in order. */
async function catchUp(): Promise<void> {
  for (let more = true; more; ) {
    const page = await ask("history", { after: at.seq, limit: 100 });
    if (page.epoch !== at.epoch) {
      // No proof that seqs mean the same: go on where the channel is now.
      const now = (await ask("history", { limit: 1 })) as { epoch: string; messages: Message[] };
      at = { epoch: now.epoch, seq: now.messages.at(-1)?.seq ?? 0 };
      return;
    }
    for (const message of page.messages as Message[]) {
      if ((message.data as { text?: string } | null)?.text === "ping")
        await ask("publish", {
          data: { text: `pong, ${message.user}` },
          mid: `pong-${at.epoch}-${message.seq}`,
        });
      at = { ...at, seq: message.seq };
    }
    if ((page.messages as Message[]).length > 0) await ask("position", at);
    more = page.more as boolean;
  }
}

await catchUp();
console.log(`ponger is in ${CHANNEL}`);
setInterval(() => void catchingUp(), 30_000).unref(); // what was lost on the way
let busy: Promise<void> = Promise.resolve();
const catchingUp = () => {
  busy = busy.then(catchUp);
  return busy;
};
// A record says that there is something new; reading it from the history keeps this short and in order.
for await (const message of live) if (message.json<{ op: string }>().op === "msg") await catchingUp();
