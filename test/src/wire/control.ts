/** Autobahn 2.*: pings and pongs (RFC 6455, section 5.5). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { frame, OPCODE, ping, pong, text } from "./frames.js";
import {
  assertDelivered,
  assertFails,
  assertWorks,
  DELIVERIES,
  deliver,
  request,
  type WireCase,
} from "./wire-case.js";

const NOT_UTF8 = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);

export function controlCases(context: WireCase): void {
  const { connect } = context;

  for (const how of DELIVERIES) {
    test(`2.1 to 2.4, 2.6: a ping comes back as it was, ${how}`, async () => {
      const wire = await connect();
      const payloads = [Buffer.alloc(0), Buffer.from("Hello, world!"), NOT_UTF8, Buffer.alloc(125, 0xfe)];
      for (const [i, payload] of payloads.entries()) {
        await deliver(wire, how, ping(payload));
        await wire.pongsCount(i + 1);
        assert.deepEqual(wire.pongs[i], payload);
      }
      wire.cut();
    });

    test(`2.10, 2.11: ten pings in a row, ten pongs in that order, ${how}`, async () => {
      const wire = await connect();
      const marks = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
      await deliver(wire, how, Buffer.concat(marks.map(ping)));
      await wire.pongsCount(10);
      assert.deepEqual(wire.pongs.map(String), marks);
      wire.cut();
    });

    test(`2.5: a ping or a pong of more than 125 bytes, ${how}`, async () => {
      for (const opcode of [OPCODE.ping, OPCODE.pong])
        for (const size of [126, 70_000])
          await assertFails(
            context,
            `opcode ${opcode} of ${size} bytes`,
            how,
            frame({ opcode, payload: Buffer.alloc(Math.min(size, 200), 0xfe), declared: BigInt(size) }),
          );
      // Short, but written in the long form.
      await assertFails(
        context,
        "a long form",
        how,
        frame({ opcode: OPCODE.ping, payload: "a", lengthBytes: 2 }),
      );
    });
  }

  test("2.7, 2.8: pongs that nobody asked for mean nothing", async () => {
    const wire = await connect();
    for (const payload of ["", "unsolicited", NOT_UTF8]) wire.write(pong(payload));
    await assertWorks(wire);
    assert.equal(wire.pongs.length, 1);
    wire.cut();
  });

  test("2.9: an unsolicited pong, then a ping", async () => {
    const wire = await connect();
    wire.write(Buffer.concat([pong("unsolicited"), ping("ping payload"), text(request(2))]));
    await assertDelivered(wire, 2);
    assert.deepEqual(wire.pongs.map(String), ["ping payload"]);
    wire.cut();
  });
}
