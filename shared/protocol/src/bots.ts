/** Bots: their names, what they may ask for, and how they appear. See docs/bots.md. */
import type { Action } from "./capabilities.js";
import type { ErrorCode } from "./errors.js";

/** What a bot asks for, in the subject of its request → the capability that it takes. */
export const BOT_OPERATIONS = {
  publish: "pub",
  history: "history",
  presence: "presence",
  join: "presence",
  leave: "presence",
  signal: "signal",
  position: "sub",
} as const satisfies Record<string, Action>;
export type BotOperation = keyof typeof BOT_OPERATIONS;

const BOT_REGEXP = /^[a-z0-9-]{1,32}$/;

export function isBot(value: unknown): value is string {
  return typeof value === "string" && BOT_REGEXP.test(value);
}

export function isBotOperation(value: unknown): value is BotOperation {
  return typeof value === "string" && Object.hasOwn(BOT_OPERATIONS, value);
}

/** The user that a bot's messages and membership show. A bot is one connection, however many processes it has. */
export const botUser = (bot: string) => `bot:${bot}`;
export const botConn = (bot: string) => `bot-${bot}`;

/** A bot that joined is a member for so long, unless it joins again. */
export const BOT_LEASE_MS = 45_000;

/** What answers a bot's request: the fields of section "Bots" of the protocol, or why not. */
export type BotAnswer =
  | { ok: true; [field: string]: unknown }
  | { ok: false; error: { code: ErrorCode; message: string; retry?: number } };
