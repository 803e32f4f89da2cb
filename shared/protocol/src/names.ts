/**
 * Names and where they may appear.
 *
 * A tenant is `[a-z0-9-]{1,32}`; a channel is 1 to 8 tokens of `[A-Za-z0-9_-]{1,64}` joined by dots, 200
 * characters at most. Both are plain ASCII and free of NATS wildcards, so that they can stand in a subject,
 * a Redis key or a topic without escaping.
 */

export const MAX_CHANNEL_LENGTH = 200;
export const MAX_CHANNEL_TOKENS = 8;
export const MAX_USER_LENGTH = 128;
export const MAX_MESSAGE_ID_LENGTH = 128;
/** Bytes of JSON of a presence state and of a signal: they are held or sent for everybody at once. */
export const MAX_STATE_BYTES = 4_096;
export const MAX_SIGNAL_BYTES = 4_096;

export const TENANT_REGEXP = /^[a-z0-9-]{1,32}$/;
export const CHANNEL_REGEXP = /^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$/;
const PATTERN_TOKEN = /^([A-Za-z0-9_-]{1,64}|\*)$/;

export function isTenant(value: unknown): value is string {
  return typeof value === "string" && TENANT_REGEXP.test(value);
}

export function isChannel(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_CHANNEL_LENGTH && CHANNEL_REGEXP.test(value);
}

/** A channel whose tokens may be `*` (exactly one token), or that ends in `>` (one or more tokens). */
export function isPattern(value: string): boolean {
  if (value.length > MAX_CHANNEL_LENGTH) return false;
  const tokens = value.split(".");
  if (tokens.length > MAX_CHANNEL_TOKENS) return false;
  const last = tokens.length - 1;
  return tokens.every((token, i) => PATTERN_TOKEN.test(token) || (token === ">" && i === last));
}

/** Half a surrogate pair, which JSON can escape and UTF-8 cannot say: U+FFFD would take its place on the way. */
const HALF_PAIR = /\p{Surrogate}/u;

/** Whether this can be a user or the id of a message: two that differ here must differ wherever they come by. */
export function isText(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= maxLength && !HALF_PAIR.test(value);
}

/** The first token of a channel; it carries the channel's settings. */
export function namespaceOf(channel: string): string {
  const dot = channel.indexOf(".");
  return dot === -1 ? channel : channel.slice(0, dot);
}

/** Whether `channel` lies within `pattern`. Both are taken to be valid. Asked for each message, so it makes no strings. */
export function matches(pattern: string, channel: string): boolean {
  if (pattern === channel || pattern === ">") return true;
  // Where the next token of each begins; past the end where there is none.
  let want = 0;
  let have = 0;
  while (want <= pattern.length && have <= channel.length) {
    const wantEnd = tokenEnd(pattern, want);
    const haveEnd = tokenEnd(channel, have);
    if (pattern.charCodeAt(want) === GREATER) return true;
    if (pattern.charCodeAt(want) !== STAR && !sameToken(pattern, want, wantEnd, channel, have, haveEnd))
      return false;
    want = wantEnd + 1;
    have = haveEnd + 1;
  }
  return want > pattern.length && have > channel.length;
}

const GREATER = 0x3e;
const STAR = 0x2a;

function tokenEnd(name: string, from: number): number {
  const dot = name.indexOf(".", from);
  return dot === -1 ? name.length : dot;
}

function sameToken(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): boolean {
  if (aEnd - aFrom !== bEnd - bFrom) return false;
  for (let i = 0; i < aEnd - aFrom; i++)
    if (a.charCodeAt(aFrom + i) !== b.charCodeAt(bFrom + i)) return false;
  return true;
}

/** One string for a channel of a tenant: the key of maps, topics and Redis keys. `/` is in neither name. */
export function channelKey(tenant: string, channel: string): string {
  return `${tenant}/${channel}`;
}

export function splitChannelKey(key: string): { tenant: string; channel: string } {
  const slash = key.indexOf("/");
  return { tenant: key.slice(0, slash), channel: key.slice(slash + 1) };
}
