/** Autobahn 9.*: messages up to the gateway's bound and beyond, in one frame and in thousands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fragments, frame, OPCODE, ping, text } from "./frames.js";
import {
  assertDelivered,
  assertWorks,
  each,
  FAILED,
  request,
  requestOf,
  type WireCase,
} from "./wire-case.js";

/** `limits.frameBytes`; at twice that uWebSockets cuts the connection itself. */
const MAX_BYTES = 262_144;
const TOO_LARGE = { code: 1009, reason: "message too large" };

export function limitCases(context: WireCase): void {
  const { connect } = context;

  test("9.1, 9.3: messages up to the bound, in one frame or in fragments of each size", async () => {
    const wire = await connect();
    let id = 1;
    for (const bytes of [65_536, MAX_BYTES - 1, MAX_BYTES]) {
      wire.write(text(requestOf(bytes, ++id)));
      await assertDelivered(wire, id);
    }
    for (const bytes of [64, 256, 1_024, 4_096, 65_536, 131_072]) {
      wire.write(Buffer.concat(fragments(OPCODE.text, Buffer.from(requestOf(MAX_BYTES, ++id)), bytes)));
      await assertDelivered(wire, id);
    }
    wire.cut();
  });

  test("9.5: a message at the bound, in TCP segments of each size", async () => {
    const wire = await connect();
    let id = 1;
    for (const octets of [64, 1_000, 16_384]) {
      await wire.chop(text(requestOf(MAX_BYTES, ++id)), octets);
      await assertDelivered(wire, id);
    }
    wire.cut();
  });

  test("9.7: a thousand messages of each size, each answered in its turn", async () => {
    const wire = await connect();
    for (const bytes of [64, 256, 1_024, 4_096]) {
      wire.frames.length = 0;
      const ids = Array.from({ length: 1_000 }, (_, i) => i + 2);
      wire.write(Buffer.concat(ids.map((id) => text(requestOf(bytes, id)))));
      await wire.until("the last answer", ({ id }) => id === 1_001);
      assert.deepEqual(
        wire.frames.map(({ id }) => id),
        ids,
      );
    }
    wire.cut();
  });

  test("over the bound: 1009, however it is cut into pieces", async () => {
    for (const bytes of [MAX_BYTES + 1, 2 * MAX_BYTES])
      for (const size of [bytes, 65_536, 1_000]) {
        const wire = await connect();
        wire.write(Buffer.concat(fragments(OPCODE.text, Buffer.from(requestOf(bytes, 2)), size)));
        assert.deepEqual(await wire.end(), TOO_LARGE, `${bytes} bytes in frames of ${size}`);
      }
  });

  test("over twice the bound: cut without a word, before the rest has come", async () => {
    const beginnings = [
      frame({ opcode: OPCODE.text, payload: "{", declared: BigInt(2 * MAX_BYTES + 1) }),
      Buffer.concat(fragments(OPCODE.text, Buffer.alloc(2 * MAX_BYTES + 1, "x"), 65_536)),
      Buffer.concat(fragments(OPCODE.text, Buffer.alloc(4 * MAX_BYTES, "x"), 100)),
    ];
    await each(beginnings, async (bytes) => {
      const wire = await connect();
      wire.write(bytes);
      assert.deepEqual(await wire.end(), FAILED);
    });
  });

  test("a message in as many frames as it has bytes, with pings all along", async () => {
    const wire = await connect();
    const parts = fragments(OPCODE.text, Buffer.from(requestOf(20_000, 2)), 1);
    wire.write(Buffer.concat(parts.flatMap((part, i) => (i % 1_000 === 1 ? [ping(`${i}`), part] : [part]))));
    await assertDelivered(wire, 2);
    assert.equal(wire.pongs.length, 20);
    wire.cut();
  });

  test("fragments of no bytes without end are no message, and hold nothing", async () => {
    const wire = await connect();
    const empty = frame({ opcode: OPCODE.continuation, fin: false });
    wire.write(frame({ opcode: OPCODE.text, payload: request(2), fin: false }));
    wire.write(Buffer.concat(Array.from({ length: 20_000 }, () => empty)));
    await assertWorks(wire);
    wire.write(frame({ opcode: OPCODE.continuation }));
    await assertDelivered(wire, 2);
    wire.cut();
  });
}
