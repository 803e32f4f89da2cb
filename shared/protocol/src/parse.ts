/**
 * From a decoded value to a client frame whose every field has been checked. Nothing behind this file looks
 * at the shape of a frame again.
 */
import { PlexusError } from "./errors.js";
import type { ClientFrame, Position, PubFrame } from "./frames.js";
import { isChannel, isText, MAX_MESSAGE_ID_LENGTH } from "./names.js";

/** How deep `data` may be nested. Deeper values overflow recursive encoders further down the path. */
export const MAX_DATA_DEPTH = 64;
export const MAX_TOKEN_LENGTH = 8192;
const MAX_EPOCH_LENGTH = 64;

type Raw = Record<string, unknown>;

function bad(message: string): never {
  throw new PlexusError("bad_request", message);
}

/**
 * Checks one frame. Throws `bad_request` with a sentence that names the field.
 * The frame's `id`, where it has one, can be had with {@link frameId} even if this throws.
 */
export function parseClientFrame(value: unknown): ClientFrame {
  if (value === null || typeof value !== "object" || Array.isArray(value)) bad("a frame must be an object");
  const raw = value as Raw;
  switch (raw.op) {
    case "pub":
      return publish(raw);
    case "sub":
      return {
        op: "sub",
        id: id(raw),
        ch: channel(raw),
        ...optional("since", since(raw)),
        ...optional("rewind", count(raw, "rewind")),
        ...optional("presence", flag(raw, "presence")),
      };
    case "unsub":
    case "presence":
      return { op: raw.op, id: id(raw), ch: channel(raw) };
    case "history":
      return {
        op: "history",
        id: id(raw),
        ch: channel(raw),
        ...optional("before", count(raw, "before")),
        ...optional("after", count(raw, "after", 0)),
        ...optional("limit", count(raw, "limit")),
      };
    case "state":
      return { op: "state", id: id(raw), ch: channel(raw), data: data(raw) };
    case "signal":
      return { op: "signal", ch: channel(raw), data: data(raw) };
    case "hello":
      return {
        op: "hello",
        id: id(raw),
        ...optional("token", raw.token === undefined ? undefined : token(raw)),
      };
    case "auth":
      return { op: "auth", id: id(raw), token: token(raw) };
    case "ping":
      return { op: "ping" };
    default:
      return bad(typeof raw.op === "string" ? `unknown op "${raw.op.slice(0, 32)}"` : "op must be a string");
  }
}

function publish(raw: Raw): PubFrame {
  const frame: PubFrame = { op: "pub", id: id(raw), ch: channel(raw), data: data(raw) };
  if (raw.mid !== undefined) frame.mid = text(raw, "mid", MAX_MESSAGE_ID_LENGTH);
  // Only looked at where somebody traces: what is wrong with it must not keep a message from being sent.
  if (typeof raw.trace === "string") frame.trace = raw.trace;
  return frame;
}

/** The `id` of something that may be a frame, for the error that answers it. */
export function frameId(value: unknown): number | undefined {
  const id = value !== null && typeof value === "object" ? (value as Raw).id : undefined;
  return isId(id) ? id : undefined;
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function id(raw: Raw): number {
  return isId(raw.id) ? raw.id : bad("id must be a positive integer");
}

function channel(raw: Raw): string {
  return isChannel(raw.ch) ? raw.ch : bad("ch must be a channel name, as in chat.lobby");
}

function text(raw: Raw, field: string, maxLength: number): string {
  const value = raw[field];
  return isText(value, maxLength) ? value : bad(`${field} must be a string of 1 to ${maxLength} characters`);
}

function token(raw: Raw): string {
  return text(raw, "token", MAX_TOKEN_LENGTH);
}

function flag(raw: Raw, field: string): boolean | undefined {
  const value = raw[field];
  if (value !== undefined && typeof value !== "boolean") bad(`${field} must be true or false`);
  return value as boolean | undefined;
}

function count(raw: Raw, field: string, least = 1): number | undefined {
  const value = raw[field];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least)
    bad(`${field} must be an integer of at least ${least}`);
  return value as number;
}

function since(raw: Raw): Position | undefined {
  if (raw.since === undefined) return undefined;
  const value = raw.since;
  if (value === null || typeof value !== "object" || Array.isArray(value)) bad("since must be {epoch, seq}");
  return {
    epoch: text(value as Raw, "epoch", MAX_EPOCH_LENGTH),
    seq: count(value as Raw, "seq", 0) ?? bad("seq is missing"),
  };
}

function data(raw: Raw): unknown {
  if (raw.data === undefined) bad("data is missing");
  if (!isPlain(raw.data, MAX_DATA_DEPTH))
    bad(`data must be what JSON can say, nested ${MAX_DATA_DEPTH} deep at most`);
  return raw.data;
}

/** Whether `value` is made of null, booleans, finite numbers, strings, arrays and plain objects only. */
export function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth - 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) if (!isPlain((value as Raw)[key], depth - 1)) return false;
  return true;
}
