/** Autobahn 5.*: messages in fragments, control frames among them, and fragments of nothing (RFC 6455, section 5.4). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { packFrame } from "@plexus/protocol/msgpack";
import { binary, fragments, frame, OPCODE, ping, pong, text } from "./frames.js";
import {
  assertDelivered,
  assertFails,
  DELIVERIES,
  deliver,
  each,
  request,
  type WireCase,
} from "./wire-case.js";

const first = (payload: string, opcode: number = OPCODE.text) => frame({ opcode, payload, fin: false });
const middle = (payload: string) => frame({ opcode: OPCODE.continuation, payload, fin: false });
const last = (payload: string) => frame({ opcode: OPCODE.continuation, payload });

export function fragmentationCases(context: WireCase): void {
  const { connect } = context;

  for (const how of DELIVERIES) {
    test(`5.3 to 5.8, 5.19, 5.20: fragments with and without pings among them, ${how}`, async () => {
      const wire = await connect();
      let id = 1;
      let pings = 0;
      for (const size of [1, 2, 7, 25, 40]) {
        const payload = Buffer.from(request(++id));
        await deliver(wire, how, ...fragments(OPCODE.text, payload, size));
        await assertDelivered(wire, id);
        const among = fragments(OPCODE.text, Buffer.from(request(++id)), size).flatMap(
          (part, i, { length }) =>
            i === length - 1 ? [part] : [part, ping(`${++pings}`), pong("unsolicited")],
        );
        await deliver(wire, how, ...among);
        await assertDelivered(wire, id);
        assert.equal(wire.pongs.length, pings, "pongs do not wait for the end of the message");
      }
      assert.deepEqual(
        wire.pongs.map(String),
        Array.from({ length: pings }, (_, i) => `${i + 1}`),
      );
      wire.cut();
    });

    test(`5.9 to 5.18: fragments of nothing, and messages inside of messages, ${how}`, async () => {
      const broken: Record<string, Buffer[]> = {
        "5.9: an end of nothing": [last("x")],
        "5.9: an end behind a whole message": [text(request(5)), last("x"), text(request(6))],
        "5.12: a middle of nothing": [middle("x")],
        "5.15: an end, and another end": [first("{"), last('"op":"ping"}'), last("x")],
        "5.16: a middle of nothing, then a message": [middle("x"), first("{"), last("}")],
        "5.18: a whole text in a text": [first("{"), text(request(5))],
        "5.18: a text begun in a text": [first("{"), first("{")],
      };
      await each(Object.entries(broken), ([what, parts]) => assertFails(context, what, how, ...parts));
    });

    test(`5.1, 5.2: control frames in fragments, ${how}`, async () => {
      for (const opcode of [OPCODE.ping, OPCODE.pong, OPCODE.close])
        await assertFails(context, `opcode ${opcode}`, how, first("", opcode), last(""));
    });
  }

  test("fragments of no bytes count as fragments", async () => {
    const wire = await connect();
    wire.write(Buffer.concat([first(""), middle(""), middle(request(2)), middle(""), last("")]));
    await assertDelivered(wire, 2);
    wire.cut();
  });

  test("a binary frame in the middle of a message is taken for its continuation", async () => {
    // Section 5.4 forbids it. uWebSockets fails the connection only where the second frame is text. It puts the two
    // together to one message of the second one's kind: in JSON that is a binary message, which was not agreed.
    const wire = await connect("msgpack");
    const body = Buffer.from(packFrame({ op: "unsub", id: 2, ch: "chat.none" }));
    const begin = frame({ opcode: OPCODE.binary, payload: body.subarray(0, 20), fin: false });
    wire.write(Buffer.concat([begin, binary(body.subarray(20))]));
    await assertDelivered(wire, 2);
    wire.cut();

    const mixed = await connect();
    mixed.write(Buffer.concat([first(""), binary(Buffer.from(request(2)))]));
    assert.equal((await mixed.end()).code, 4500);
    const both = await connect("msgpack");
    both.write(Buffer.concat([begin, binary(body)]));
    assert.equal((await both.end()).code, 4500, "one message and a part of it are no message");
  });

  test("the kind of a message is that of its first fragment", async () => {
    const wire = await connect();
    const parts = fragments(OPCODE.binary, Buffer.from(request(2)), 20);
    wire.write(Buffer.concat(parts));
    assert.equal((await wire.end()).code, 4500, "binary where text was agreed");
  });
}
