/** Everything on the bus that is not a bot's: tried with its credentials, whether it can say or hear any of it. */
import type { NatsConnection } from "nats";
import { until } from "./wait.js";

/** For the bot demo/reader with `chat.bots.*=sub,pub,history`. */
export const NOT_TO_BE_SAID = [
  "evt.demo.chat.bots.a",
  "evt.demo.chat.other",
  "evt.other.chat.bots.a",
  "log.eu-1.demo.chat.bots.a",
  "cmd.eu-1.0",
  "cmd.eu-1.at.w1",
  "ans.g1.1",
  "beat.eu-1",
  "lease.eu-1",
  "ping.eu-1",
  "status.worker.eu-1",
  "status.gateway",
  "control.gateway.disconnect",
  "control.gateway.drain.g1",
  "bot.demo.other.publish.chat.bots.a",
  "bot.other.reader.publish.chat.bots.a",
  "bot.demo.reader.publish.chat.other",
  "bot.demo.reader.publish.chat.bots.a.b",
  "bot.demo.reader.history.news",
  "bot.demo.reader.signal.chat.bots.a",
  "bot.demo.reader.join.chat.bots.a",
  "bot.demo.reader.presence.chat.bots.a",
  "bot.demo.reader.leave.chat.bots.a",
  "bot.demo.reader.position.chat.other",
  "bot.demo.reader.dance.chat.bots.a",
  "life.demo.occupied.chat.bots.a",
  "roster.g1-ab_0.demo",
  "ended.g1-ab_0",
  "alive.gateway",
  "control.hooks",
  "dead.demo.main",
  "$JS.API.STREAM.INFO.LIFECYCLE",
  "$KV.plexus-webhooks.demo.main",
  "$JS.API.INFO",
  "$JS.API.STREAM.NAMES",
  "$JS.API.STREAM.INFO.LOG_eu-1",
  "$JS.API.STREAM.MSG.GET.LOG_eu-1",
  "$JS.API.STREAM.PURGE.LOG_eu-1",
  "$JS.API.STREAM.DELETE.LOG_eu-1",
  "$JS.API.DIRECT.GET.KV_plexus-bots",
  "$JS.API.DIRECT.GET.KV_plexus.$KV.plexus.directory",
  "$JS.API.CONSUMER.CREATE.LOG_eu-1",
  "$JS.eu-1.API.STREAM.INFO.LOG_eu-1",
  "$JS.hub.API.INFO",
  "$JS.ACK.LOG_eu-1.c.1.1.1.1.0",
  "$KV.plexus.directory",
  "$KV.plexus-bots.demo.mallory",
  "$KV.plexus-settings.tenant.demo",
  "$KV.bot-positions.demo.other.chat.bots.a",
  "$SYS.REQ.SERVER.PING",
  "$SYS.REQ.ACCOUNT.PING.CONNZ",
  "$LDS.x",
  "_INBOX.demo.other.1",
  "_INBOX.demo.reader.1",
  "_INBOX.4XN8.1",
  "anything",
];

export const NOT_TO_BE_HEARD = [
  "life.>",
  "life.demo.>",
  "roster.>",
  "dead.>",
  "control.hooks",
  ">",
  "*",
  "*.>",
  "evt.>",
  "evt.demo.>",
  "evt.demo.chat.>",
  "evt.demo.chat.*",
  "evt.demo.chat.other",
  "evt.*.chat.bots.a",
  "evt.other.>",
  "evt.other.chat.bots.a",
  "log.>",
  "log.eu-1.demo.chat.bots.a",
  "cmd.>",
  "cmd.eu-1.*",
  "ans.>",
  "beat.eu-1",
  "lease.eu-1",
  "ping.>",
  "status.>",
  "control.>",
  "bot.>",
  "bot.demo.reader.>",
  "bot.demo.other.>",
  "$JS.>",
  "$JS.API.>",
  "$JS.EVENT.>",
  "$KV.>",
  "$KV.plexus-bots.>",
  "$SYS.>",
  "_INBOX.>",
  "_INBOX.*.*",
  "_INBOX.demo.>",
  "_INBOX.demo.other.>",
  "_INBOX.other.reader.>",
];

/** Publishes to each subject, and says which of them somebody who hears everything has heard. */
export async function saidBy(bot: NatsConnection, everything: NatsConnection): Promise<string[]> {
  const mark = `said by a bot ${crypto.randomUUID()}`;
  const heard: string[] = [];
  const subscription = everything.subscribe(">", {
    callback: (_, message) => {
      if (message.string() === mark) heard.push(message.subject);
    },
  });
  await everything.flush();
  for (const subject of NOT_TO_BE_SAID) bot.publish(subject, mark);
  await bot.flush();
  // What it may say comes behind all of that, on the same way.
  bot.publish("bot.demo.reader.publish.chat.bots.a", mark);
  await until("what it may say", () => heard.length > 0);
  subscription.unsubscribe();
  return heard.filter((subject) => subject !== "bot.demo.reader.publish.chat.bots.a");
}

/** Subscribes to each subject, alone and in a queue group, and says which were not refused. */
export async function heardBy(bot: NatsConnection): Promise<string[]> {
  const open = new Set<string>();
  for (const subject of NOT_TO_BE_HEARD)
    for (const queue of [undefined, "g"]) {
      const name = queue === undefined ? subject : `${subject} (${queue})`;
      open.add(name);
      const options = queue === undefined ? {} : { queue };
      bot.subscribe(subject, { ...options, callback: (error) => void (error && open.delete(name)) });
    }
  await bot.flush();
  return [...open];
}
