/** What travels between gateways and cells comes out as it went in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import {
  decodeAnswers,
  decodeCommands,
  encodeAnswers,
  encodeCommands,
  type WireAnswer,
  type WireCommand,
} from "./commands.js";

const COMMANDS: WireCommand[] = [
  [1, "publish", "acme", "chat.a", [Buffer.from('{"id":"é🙂"'), [14], [[0, "id", "ann", true]]]],
  [2, "read", "acme", "chat.a", { after: 2 ** 40, epoch: "e", limit: 5 }],
  [3, "head", "acme", "chat.a", { gateway: "g1" }],
  [
    4,
    "members",
    "acme",
    "chat.a",
    {
      gateway: "g1",
      put: [{ conn: "c", user: "u", state: { deep: [null, { x: 1.5 }] }, since: 1_700_000_000_000 }],
      del: ["d"],
      refresh: true,
      all: null,
    },
  ],
  [5, "presence", "acme", "chat.a", { at: ["life", 3], from: 10 }],
  [6, "trim", "acme", "chat.a", null],
  [2 ** 40, "release", "acme", "chat.a", { to: "us-1" }],
];

test("commands of every kind", () => {
  assert.deepEqual(decodeCommands(encodeCommands(COMMANDS)), COMMANDS);
});

test("answers and errors; records come as bytes", () => {
  const head = { epoch: "e", seq: 2 ** 50 };
  const answers: WireAnswer[] = [
    [1, null, ["e", 2 ** 50, 1_700_000_000_000, [[2 ** 50, 1_700_000_000_000, true]]]],
    [2, null, { head, state: "ok", records: [Buffer.from('{"op":"msg"}')], oldest: 1 }],
    [3, ["moved", "ask again", null], null],
    [4, ["rate_limited", "é", 200], null],
  ];
  const decoded = decodeAnswers(encodeAnswers(answers));
  assert.deepEqual(decoded, answers);
  const { records } = decoded[1]![2] as { records: Uint8Array[] };
  assert.ok(records[0] instanceof Uint8Array);
});

test("what users wrote travels unchanged, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.json(), fc.nat(), (id, json, seq) => {
      const commands: WireCommand[] = [
        [seq, "publish", "acme", "chat.a", [Buffer.from(json), [seq], [[seq, id, id, false]]]],
      ];
      assert.deepEqual(decodeCommands(encodeCommands(commands)), commands);
    }),
  );
});

test("an id that is kept does not keep what it came with", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const [BATCHES, COMMANDS_EACH, MOST_BYTES] = [200, 40, 300];
  const kept: string[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let batch = 0; batch < BATCHES; batch++) {
    const commands = Array.from({ length: COMMANDS_EACH }, (_, i): WireCommand => {
      const ids = [[0, `made-by-a-gateway-${batch}-${i}`, "ann", false]] as const;
      return [i, "publish", "acme", `chat.a${i}`, [Buffer.alloc(512), [128, 128, 128, 128], ids]];
    });
    for (const [, kind, , , body] of decodeCommands(encodeCommands(commands)))
      if (kind === "publish") kept.push(body[2][0]![1]);
  }
  collect();
  const each = (process.memoryUsage().heapUsed - before) / kept.length;
  assert.ok(each < MOST_BYTES, `${each} bytes for each of ${kept.length} ids`);
});
