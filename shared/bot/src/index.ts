/** `@plexus/bot`: see docs/bots.md. */
export { type Member, PlexusError, type Position } from "@plexus/protocol";
export { type Bot, type BotOptions, connectBot } from "./bot.js";
export type { BotChannel, PublishOptions } from "./channel.js";
export type { Membership } from "./membership.js";
export type { BotSubscription, Handler, SubscribeOptions } from "./subscription.js";
export type { BotMessage, HistoryPage, HistoryRange, Published, Reset } from "./types.js";
