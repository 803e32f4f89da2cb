/**
 * A bot that answers in the demo chat: `npm start`, open the page, then
 *
 *   node test/dist/examples/demo-bot.js
 *
 * and write "!help" into the lobby. Stop it, write "!roll", start it again: it answers what it has missed.
 */
import { readFileSync } from "node:fs";
import { type BotMessage, connectBot } from "@plexus/bot";

const { NATS_URL, SEED_FILE, CHANNEL = "chat.lobby" } = process.env;
const bot = await connectBot({
  servers: NATS_URL ?? JSON.parse(readFileSync(".plexus/dev.json", "utf8")).natsUrl,
  tenant: "demo",
  name: "dealer",
  seed: SEED_FILE === undefined ? undefined : readFileSync(SEED_FILE, "utf8"),
});
const channel = bot.channel(CHANNEL);

const commands: Record<string, (words: string[], from: BotMessage) => string> = {
  help: () =>
    `I know ${Object.keys(commands)
      .map((name) => `!${name}`)
      .join(", ")}`,
  time: () => new Date().toISOString(),
  roll: ([sides = "6"]) => `🎲 ${1 + Math.floor(Math.random() * Math.max(1, Number(sides) || 6))}`,
  pick: (words) => words[Math.floor(Math.random() * words.length)] ?? "of what?",
  hello: (_, { user }) => `Hello ${user}!`,
};

async function answer(message: BotMessage): Promise<void> {
  const text = (message.data as { text?: unknown } | null)?.text;
  if (typeof text !== "string" || !text.startsWith("!") || message.user.startsWith("bot:")) return;
  const [name = "", ...words] = text.slice(1).trim().split(/\s+/);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return;
  // The same question is answered once, also if this process ends before its position is stored.
  await channel.publish({ text: command(words, message) }, { mid: `answer-${message.epoch}-${message.seq}` });
}

await channel.join({ about: "a bot that rolls dice" });
const subscription = bot.subscribe(CHANNEL, answer, { resume: true });
await Promise.race([subscription.ready, subscription.done]);
console.log(`${bot.name} is in ${CHANNEL}`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void bot.close());
await subscription.done;
