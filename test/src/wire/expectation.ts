/**
 * What a gateway owes for the messages that it was sent, as docs/protocol.md has it: every frame with an `id` is
 * answered exactly once, what makes no sense gets a typed error, and what is no protocol at all a documented close.
 */
import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { CLOSES, ERRORS } from "@plexus/protocol";
import { unpackFrame } from "@plexus/protocol/msgpack";
import type { AnyFrame, Encoding } from "../harness/raw-client.js";
import { OPCODE } from "./frames.js";
import type { Message } from "./message-arbitraries.js";
import type { Ending } from "./wire-socket.js";

const MAX_FRAME_BYTES = 262_144;
const MAX_BATCH = 1_000;
/** Frames that make no sense, after which the connection is closed. */
const MAX_BAD_FRAMES = 100;
/** `not_found` and `conflict` are the admin API's; `internal` is a defect. */
const NEVER = new Set(["not_found", "conflict", "internal"]);
const CLIENT_ERRORS = new Set(Object.keys(ERRORS).filter((code) => !NEVER.has(code)));
const OPS = new Set(["welcome", "ok", "err", "msg", "presence", "signal", "reset", "bye", "pong"]);

export class Expectation {
  readonly #encoding: Encoding;
  /** Answers owed, by id. */
  readonly #owed = new Map<number, number>();
  /** Signals, which are answered only if something is wrong with them, by id. */
  readonly #possible = new Map<number, number>();
  #pongs = 0;
  #errors = { least: 0, most: 0 };
  /** How the gateway has to end the connection; what is sent after that does not count. */
  ending: number | undefined;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  add({ opcode, payload }: Message): void {
    if (this.ending !== undefined) return;
    if (opcode === OPCODE.text && !isUtf8(payload)) this.ending = 1006;
    else if (payload.length > MAX_FRAME_BYTES) this.ending = 1009;
    else if ((opcode === OPCODE.text) !== (this.#encoding === "json")) this.ending = CLOSES.bad_request.code;
    else this.#decoded(payload);
  }

  #decoded(payload: Buffer): void {
    let value: unknown;
    try {
      value = this.#encoding === "json" ? JSON.parse(payload.toString()) : unpackFrame(payload);
    } catch {
      this.ending = CLOSES.bad_request.code;
      return;
    }
    if (!Array.isArray(value)) this.#frame(value);
    else if (value.length > MAX_BATCH) this.#error(1);
    else for (const each of value) this.#frame(each);
  }

  #frame(value: unknown): void {
    const { op, id } = (value ?? {}) as { op?: unknown; id?: unknown };
    const object = typeof value === "object" && value !== null && !Array.isArray(value);
    if (object && op === "ping") this.#pongs++;
    else if (typeof id !== "number" || !Number.isSafeInteger(id) || id <= 0 || typeof value !== "object")
      this.#error(object && op === "signal" ? 0 : 1);
    else if (object && op === "signal") {
      // It has no id: where it was not understood the error repeats what is there, where it is refused it does not.
      count(this.#possible, id);
      this.#error(0);
    } else count(this.#owed, id);
  }

  #error(least: number): void {
    this.#errors.least += least;
    this.#errors.most++;
  }

  /** Every answer that has to come has come. */
  isMet(frames: readonly AnyFrame[]): boolean {
    const answers = answersById(frames);
    return [...this.#owed].every(([id, owed]) => (answers.get(id) ?? 0) >= owed);
  }

  /** Holds everything that came against what was owed. */
  assertMet(frames: readonly AnyFrame[], ending: Ending | undefined): void {
    for (const frame of frames) assertTyped(frame);
    const answers = answersById(frames);
    const nameless = frames.filter(({ op, id }) => op === "err" && id === undefined).length;
    for (const [id, given] of answers) {
      const most = (this.#owed.get(id) ?? 0) + (this.#possible.get(id) ?? 0);
      assert.ok(given <= most, `${given} answers to ${id}, which was asked ${most} times`);
    }
    assert.ok(nameless <= this.#errors.most, `${nameless} errors without id, ${this.#errors.most} explained`);
    if (ending !== undefined) return this.#assertEnding(frames, ending);
    for (const [id, owed] of this.#owed) assert.ok((answers.get(id) ?? 0) >= owed, `no answer to ${id}`);
    assert.ok(nameless >= this.#errors.least, `${nameless} errors without id of ${this.#errors.least}`);
    assert.equal(frames.filter(({ op }) => op === "pong").length, this.#pongs, "pongs");
  }

  #assertEnding(frames: readonly AnyFrame[], { code }: Ending): void {
    const { bad_request } = CLOSES;
    const bad = frames.filter((frame) => frame.op === "err" && frame.code === "bad_request").length;
    const allowed = bad > MAX_BAD_FRAMES ? [bad_request.code, this.ending] : [this.ending];
    assert.ok(allowed.includes(code), `closed with ${code} in place of ${this.ending}`);
    if (code === bad_request.code) {
      const last = frames.at(-1);
      assert.deepEqual([last?.op, last?.code], ["bye", "bad_request"]);
    }
  }
}

function count(counts: Map<number, number>, id: number): void {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}

function answersById(frames: readonly AnyFrame[]): Map<number, number> {
  const answers = new Map<number, number>();
  for (const { op, id } of frames)
    if ((op === "ok" || op === "err") && typeof id === "number") count(answers, id);
  return answers;
}

/** A frame of the protocol, with codes from the catalogue. */
export function assertTyped(frame: AnyFrame): void {
  const shown = JSON.stringify(frame).slice(0, 300);
  assert.ok(OPS.has(frame.op), shown);
  if (frame.op === "err") {
    assert.ok(CLIENT_ERRORS.has(frame.code), shown);
    assert.equal(typeof frame.message, "string", shown);
    assert.ok(frame.retry === undefined || frame.retry >= 0, shown);
  }
  if (frame.op === "bye") assert.ok(Object.hasOwn(CLOSES, frame.code), shown);
}
