/** Autobahn 1.*, 3.* and 4.*: lengths, masks, reserved bits, reserved opcodes (RFC 6455, section 5). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MsgFrame } from "@plexus/protocol";
import { packFrame, unpackFrame } from "@plexus/protocol/msgpack";
import { binary, frame, OPCODE, ping, text } from "./frames.js";
import {
  assertDelivered,
  assertFails,
  assertWorks,
  DELIVERIES,
  deliver,
  each,
  request,
  requestOf,
  type WireCase,
} from "./wire-case.js";

/** Both sides of each form of the length field; the first is the shortest request that there is. */
const SIZES = [request(1).length, 125, 126, 127, 128, 65_535, 65_536];
/** As Autobahn does for the long ones: no segment ends where a header does. */
const SEGMENT = 997;

export function framingCases(context: WireCase): void {
  const { connect } = context;

  test("1.1: text of every form of length, whole and in small TCP segments", async () => {
    const wire = await connect();
    let id = 1;
    for (const size of SIZES) {
      for (const segment of [Number.POSITIVE_INFINITY, size > 1_000 ? SEGMENT : 1]) {
        const payload = requestOf(size, ++id);
        assert.equal(payload.length, size);
        await wire.chop(text(payload), segment);
        await assertDelivered(wire, id);
      }
    }
    wire.cut();
  });

  test("1.1.1, 1.2.1: a message of no bytes arrives, and is no frame of the protocol", async () => {
    const [json, msgpack] = [await connect(), await connect("msgpack")];
    json.write(text(""));
    msgpack.write(binary(new Uint8Array()));
    for (const wire of [json, msgpack]) {
      assert.equal((await wire.end()).code, 4500);
      assert.equal(wire.frames.at(-1)?.op, "bye");
    }
  });

  test("1.2: what was published comes back, octet for octet, in binary of every form of length", async () => {
    const wire = await connect("msgpack");
    const ch = "wide.binary";
    wire.say({ op: "sub", id: 2, ch });
    await wire.reply(2);
    wire.frames.length = 0;
    for (const size of SIZES.slice(1)) {
      const letters = "abcdefghijklmnopqrstuvwxyz".repeat(size / 26);
      // The body grows with the letters, and by one or two bytes of header on the way.
      let body: Uint8Array = new Uint8Array();
      for (let length = size - 60; body.length < size; length++)
        body = packFrame({ op: "pub", id: 2, ch, data: letters.slice(0, Math.max(0, length)) });
      assert.equal(body.length, size);
      await wire.chop(binary(body), size > 1_000 ? SEGMENT : 1);
      assert.equal((await wire.reply(2)).op, "ok");
      const said = (await wire.until("the message", ({ op }) => op === "msg")) as unknown as MsgFrame;
      const { data } = unpackFrame(body) as { data: string };
      assert.equal(said.m[0]?.data, data);
      wire.frames.length = 0;
    }
    wire.cut();
  });

  test("any mask will do; a length in a longer form than needed is taken as well", async () => {
    const wire = await connect();
    let id = 1;
    for (const mask of [
      [0, 0, 0, 0],
      [255, 255, 255, 255],
      [1, 2, 3, 4],
      [0, 0, 0, 1],
    ]) {
      wire.write(frame({ opcode: OPCODE.text, payload: request(++id), mask: Uint8Array.from(mask) }));
      await assertDelivered(wire, id);
    }
    // Section 5.2 wants the shortest form from senders; uWebSockets, as most servers, reads the others too.
    for (const lengthBytes of [2, 8] as const) {
      wire.write(frame({ opcode: OPCODE.text, payload: request(++id), lengthBytes }));
      await assertDelivered(wire, id);
    }
    wire.cut();
  });

  test("a length that no message may have ends the connection as soon as it is read", async () => {
    for (const declared of [1n << 63n, (1n << 63n) - 1n, (1n << 64n) - 1n, (1n << 32n) + 64n, 1n << 31n])
      await assertFails(
        context,
        `a length of ${declared}`,
        "at once",
        frame({ opcode: OPCODE.text, payload: request(5), declared }),
      );
  });

  test("a frame without a mask never counts as what it says", async () => {
    // Section 5.1 wants the connection closed. uWebSockets does not look at the bit: it takes the first four bytes
    // for the mask and waits for four more. So nothing of the frame is understood, and what follows is not either.
    const wire = await connect();
    wire.write(frame({ opcode: OPCODE.text, payload: request(7), mask: null }));
    wire.write(text(request(8)));
    wire.write(text(request(9)));
    await wire.end("of what is no frame any more");
    assert.deepEqual(
      wire.frames.filter(({ id }) => id === 7 || id === 8),
      [],
    );
  });

  test("3.1 to 3.7: reserved bits, on every kind of frame", async () => {
    const opcodes = Object.values(OPCODE);
    const shapes = [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => opcodes.map((opcode) => ({ rsv, opcode })));
    await each(shapes, async (shape) => {
      const how = DELIVERIES[shape.rsv % 2]!;
      const wire = await assertFails(
        context,
        JSON.stringify(shape),
        how,
        frame({ ...shape, payload: shape.opcode === OPCODE.close ? "" : request(5) }),
        ping("too late"),
      );
      assert.deepEqual(wire.pongs, []);
    });
  });

  test("4.1, 4.2: reserved opcodes, with and without payload", async () => {
    const shapes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) =>
      ["", "payload"].map((payload) => ({ opcode, payload })),
    );
    await each(shapes, (shape) =>
      assertFails(context, JSON.stringify(shape), DELIVERIES[shape.opcode % 2]!, frame(shape), ping()),
    );
  });

  test("what came before a broken frame was carried out", async () => {
    for (const how of DELIVERIES) {
      const wire = await connect();
      await deliver(wire, how, text(request(2)));
      await assertDelivered(wire, 2);
      await deliver(wire, how, frame({ opcode: 3 }), text(request(3)));
      await wire.end();
      assert.ok(!wire.frames.some(({ id }) => id === 3));
    }
    // In one TCP segment with the broken frame, the answer to the good one is dropped with the connection.
    const wire = await connect();
    wire.write(Buffer.concat([text(request(2)), frame({ opcode: 3 })]));
    assert.equal((await wire.end()).code, 1006);
  });

  test("a gateway that failed some is there for the next one", async () => {
    await assertWorks(await connect());
  });
}
