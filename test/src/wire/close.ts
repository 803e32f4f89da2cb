/** Autobahn 7.*: how a client closes, rightly and wrongly (RFC 6455, sections 5.5.1, 7.1 and 7.4). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { close, closing, fragments, frame, OPCODE, ping, text } from "./frames.js";
import {
  assertFails,
  DELIVERIES,
  deliver,
  each,
  FAILED,
  request,
  requestOf,
  type WireCase,
} from "./wire-case.js";

/** Codes that uWebSockets knows; it answers them as they came, with their reason. */
const KNOWN = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 4000, 4321, 4999];
/** Valid as well (7.4.2, and IANA's registry for 1012 to 1014), but newer or rarer than uWebSockets' list. */
const UNKNOWN = [1012, 1013, 1014, 3000, 3500, 3999];
/** Never on the wire, 7.4.1 and 7.4.2. */
const INVALID = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
/** A close frame without a body. */
const BARE = { code: 1005, reason: "" };

export function closeCases(context: WireCase): void {
  const { connect } = context;

  for (const how of DELIVERIES) {
    test(`7.3, 7.7: a close is answered with its own code and reason, ${how}`, async () => {
      await each(KNOWN, async (code) => {
        for (const reason of ["", "Hello World!", "κόσμε", "x".repeat(123)]) {
          const wire = await connect();
          await deliver(wire, how, close(closing(code, reason)));
          assert.deepEqual(await wire.end(), { code, reason });
        }
      });
    });

    test(`7.3.1: a close without a body is answered without one, ${how}`, async () => {
      const wire = await connect();
      await deliver(wire, how, close());
      assert.deepEqual(await wire.end(), BARE);
    });

    test(`7.3.6: a close of more than 125 bytes fails the connection, ${how}`, async () => {
      await assertFails(context, "126 bytes", how, close(closing(1000, "x".repeat(124))));
    });

    test(`7.1: after a close nothing is answered any more, ${how}`, async () => {
      const late: Record<string, Buffer[]> = {
        "7.1.2: a second close": [close(closing(1000, "again"))],
        "7.1.3: a ping": [ping("too late")],
        "7.1.4: a text": [text(request(5))],
        "7.1.6: much text": [text(requestOf(200_000, 5)), ping()],
        "a frame that is none": [frame({ opcode: 15, rsv: 7 })],
      };
      await each(Object.entries(late), async ([what, frames]) => {
        const wire = await connect();
        wire.write(text(request(4)));
        await deliver(wire, how, close(closing(1000, "bye")));
        for (const each of frames) wire.write(each);
        assert.deepEqual(await wire.end(what), { code: 1000, reason: "bye" }, what);
        assert.deepEqual(wire.pongs, []);
        assert.deepEqual(
          wire.frames.slice(1).map(({ id }) => id),
          [4],
          what,
        );
      });
    });
  }

  test("7.1.1: what came before the close is answered, then the close is, in one segment too", async () => {
    const wire = await connect();
    wire.write(Buffer.concat([text(request(2)), text(request(3)), close(closing(1000))]));
    assert.deepEqual(await wire.end(), { code: 1000, reason: "" });
    assert.deepEqual(
      wire.frames.slice(1).map(({ id }) => id),
      [2, 3],
    );
  });

  test("7.1.5: a close within a message that never ends", async () => {
    const wire = await connect();
    const [begin, end] = fragments(OPCODE.text, Buffer.from(request(2)), 40);
    wire.write(Buffer.concat([begin!, close(closing(1001)), end!]));
    assert.deepEqual(await wire.end(), { code: 1001, reason: "" });
    assert.equal(wire.frames.length, 1, "nothing but the welcome");
  });

  // Sections 7.1.7 and 7.4 want 1002 (protocol error) and 1007 (invalid payload) for these. uWebSockets answers each
  // of them with a close frame without a body, and ends the connection all the same.
  test("7.9, 7.13: codes that no close frame may hold: closed without a code", async () => {
    await each(INVALID, async (code) => {
      for (const reason of ["", "invalid"]) {
        const wire = await connect();
        wire.write(close(closing(code, reason)));
        assert.deepEqual(await wire.end(`${code}`), BARE, `${code}`);
      }
    });
  });

  test("7.3.2, 7.5.1: half a code, and a reason that is no UTF-8: closed without a code", async () => {
    const bodies = {
      "one byte": Buffer.from([3]),
      "a surrogate": closing(1000, Buffer.from("cebae1bdb9cf83cebcceb5eda080", "hex")),
      "half a character": closing(1000, Buffer.from("ce", "hex")),
      "no UTF-8 at all": closing(4000, Buffer.from("fffe", "hex")),
    };
    for (const [what, body] of Object.entries(bodies)) {
      const wire = await connect();
      wire.write(close(body));
      assert.deepEqual(await wire.end(what), BARE, what);
    }
  });

  test("7.7: codes of libraries (3000 to 3999), 1012 to 1014: closed, without repeating the code", async () => {
    await each(UNKNOWN, async (code) => {
      const wire = await connect();
      wire.write(close(closing(code, "known elsewhere")));
      assert.deepEqual(await wire.end(`${code}`), BARE, `${code}`);
    });
  });

  test("a client that goes without a close, or says that it will say nothing more", async () => {
    const [cut, half] = [await connect(), await connect()];
    cut.cut();
    half.half();
    assert.deepEqual(await cut.end(), FAILED);
    assert.deepEqual(await half.end(), FAILED);
  });
}
