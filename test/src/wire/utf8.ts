/** Autobahn 6.*: text is UTF-8 (RFC 6455, section 8.1; RFC 3629), whole or in fragments that end inside of a character. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MsgFrame } from "@plexus/protocol";
import { fragments, frame, OPCODE, text } from "./frames.js";
import { assertDelivered, assertFails, assertWorks, each, request, type WireCase } from "./wire-case.js";

/** Hexadecimal, by the number of Autobahn's group. */
const VALID: Record<string, string[]> = {
  "6.2, 6.5": ["cebae1bdb9cf83cebcceb5"],
  "6.7, the first of each length": ["c280", "e0a080", "f0908080"],
  "6.9, the last of each length": ["7f", "dfbf", "efbfbf", "f48fbfbf"],
  "6.11, borders": ["ed9fbf", "ee8080", "efbfbd"],
  "6.22, noncharacters": [
    ...["efbfbe", "efbfbf", "f09fbfbe", "f09fbfbf", "f0afbfbe", "f0bfbfbf", "f18fbfbe", "f19fbfbf"],
    ...["f1afbfbe", "f1bfbfbf", "f28fbfbe", "f29fbfbf", "f2afbfbe", "f2bfbfbf", "f38fbfbe", "f39fbfbf"],
    ...["f3afbfbe", "f3bfbfbf", "f48fbfbe", "f48fbfbf"],
  ],
  "6.23, specials": ["efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "e280a8", "efbbbf"],
};

const INVALID: Record<string, string[]> = {
  "6.3, 6.4, a surrogate among good ones": ["cebae1bdb9cf83cebcceb5eda080656469746564"],
  "6.4, beyond the last": ["cebae1bdb9cf83cebcceb5f4908080656469746564"],
  "6.6, parts of characters": ["ce", "cebae1", "cebae1bd", "cebae1bdb9cf", "cebae1bdb9cf83cebcce"],
  "6.8, five and six bytes": ["f888808080", "fc8480808080"],
  "6.10, the last of four, five, six bytes": ["f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"],
  "6.11, beyond the last": ["f4908080"],
  "6.12, continuations of nothing": ["80", "bf", "80bf", "80bf80", "80bf80bf80bf", "8081828384858687"],
  "6.13, beginnings alone": ["c020c120df20", "e020e120ef20", "f020f120f720", "f820fb20", "fc20fd20"],
  "6.14, the last byte is missing": [
    "c0",
    "e080",
    "f08080",
    "f8808080",
    "fc80808080",
    "df",
    "efbf",
    "f7bfbf",
  ],
  "6.15, many of these": ["c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf"],
  "6.16, bytes that never are": ["fe", "ff", "fefeffff"],
  "6.17, overlong": ["c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"],
  "6.18, the longest overlong": ["c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"],
  "6.19, overlong NUL": ["c080", "e08080", "f0808080", "f880808080", "fc8080808080"],
  "6.20, surrogates": ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"],
  "6.21, pairs of surrogates": ["eda080edb080", "edadbfedbfbf", "edaf80edb080", "edafbfedbfbf"],
};

/** The bytes inside of a string inside of a request. */
function around(hex: string, id: number): Buffer {
  const [before, after] = request(id, "|").split("|");
  return Buffer.concat([Buffer.from(before!), Buffer.from(hex, "hex"), Buffer.from(after!)]);
}

export function utf8Cases(context: WireCase): void {
  const { connect } = context;

  for (const [group, sequences] of Object.entries(VALID))
    test(`${group}: taken, whole and in fragments of each length`, async () => {
      const wire = await connect();
      let id = 1;
      for (const hex of sequences) {
        wire.write(text(around(hex, ++id)));
        await assertDelivered(wire, id);
        for (const bytes of [1, 2, 3]) {
          wire.write(Buffer.concat(fragments(OPCODE.text, around(hex, ++id), bytes)));
          await assertDelivered(wire, id);
        }
      }
      wire.cut();
    });

  for (const [group, sequences] of Object.entries(INVALID))
    test(`${group}: refused, whole and in fragments`, async () => {
      await each(sequences, async (hex) => {
        await assertFails(context, hex, "at once", text(around(hex, 5)));
        await assertFails(context, hex, "at once", ...fragments(OPCODE.text, around(hex, 5), 1));
      });
    });

  test("6.5: what was published in UTF-8 comes back as it was", async () => {
    const wire = await connect();
    const ch = "chat.utf8";
    wire.say({ op: "sub", id: 2, ch });
    await wire.reply(2);
    const data = Object.values(VALID)
      .flat()
      .map((hex) => Buffer.from(hex, "hex").toString())
      .join("\u0000");
    wire.write(
      Buffer.concat(fragments(OPCODE.text, Buffer.from(JSON.stringify({ op: "pub", id: 3, ch, data })), 7)),
    );
    const said = (await wire.until("the message", ({ op }) => op === "msg")) as unknown as MsgFrame;
    assert.equal(said.m[0]?.data, data);
    wire.cut();
  });

  test("6.4: UTF-8 is judged at the end of the message, not before", async () => {
    // Section 8.1 wants the connection failed for it, and does not say how fast. What is held until then is bounded
    // by the size of a message.
    const wire = await connect();
    wire.write(frame({ opcode: OPCODE.text, payload: around("ff", 5), fin: false }));
    await assertWorks(wire);
    wire.write(frame({ opcode: OPCODE.continuation, payload: " " }));
    assert.equal((await wire.end()).code, 1006);
  });
}
