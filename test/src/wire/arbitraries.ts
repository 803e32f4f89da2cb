/** What a client may send, and what it should not: frames, frames with something wrong, and bytes that are no frame. */
import { packFrame } from "@plexus/protocol/msgpack";
import fc from "fast-check";
import type { Encoding } from "../harness/raw-client.js";
import { OPCODE } from "./frames.js";

/** One WebSocket message. */
export interface Message {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const FUZZ_NAMESPACE = "fuzz";
/** All that the fuzzer's token allows; there are few, so that connections meet on them. */
export const CHANNELS = ["a", "b", "c"].map((name) => `${FUZZ_NAMESPACE}.${name}`);
const MAX_FRAME_BYTES = 262_144;
/** Bytes of a message in a report. */
const MAX_SHOWN = 300;

const id = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 60 }) },
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
);
const ch = fc.constantFrom(...CHANNELS);
/** Any UTF-16 at all, with halves of surrogate pairs. */
const anyString = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
});
/** Names that mean something to JavaScript, or to what is written in it. */
const loadedName = fc.constantFrom(
  ...[
    "__proto__",
    "constructor",
    "prototype",
    "toJSON",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "length",
    "then",
  ],
);
const json = fc.jsonValue({ maxDepth: 3, stringUnit: "binary" });
const data = fc.oneof(
  { weight: 3, arbitrary: json },
  fc.dictionary(fc.oneof(loadedName, fc.string()), fc.oneof(json, fc.dictionary(loadedName, json))),
  anyString,
);
const epoch = fc.string({ minLength: 1, maxLength: 12 });
const seq = fc.integer({ min: 0, max: 200 });
const option = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const clientFrame: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({
    op: fc.constant("pub"),
    id,
    ch,
    data,
    mid: option(fc.string({ minLength: 1, maxLength: 20 })),
  }),
  fc.record({
    op: fc.constant("sub"),
    id,
    ch,
    since: option(fc.record({ epoch, seq })),
    rewind: option(fc.integer({ min: 1, max: 20 })),
    presence: option(fc.boolean()),
  }),
  fc.record({ op: fc.constantFrom("unsub", "presence"), id, ch }),
  fc.record({ op: fc.constant("history"), id, ch, before: option(seq), limit: option(seq) }),
  fc.record({ op: fc.constantFrom("state", "signal"), id, ch, data }),
  fc.record({ op: fc.constantFrom("hello", "auth"), id, token: fc.string() }),
  fc.record({ op: fc.constant("ping") }),
);

function nested(depth: number, object: boolean): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = object ? { a: value } : [value];
  return value;
}

/** What no field should hold. */
const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    "",
    "1",
    [],
    {},
    [[]],
    [null],
    0,
    -0,
    -1,
    0.5,
    1.5,
    "\u0000",
    "\ud800",
  ),
  fc.constantFrom(
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 53),
    2 ** 63,
    1e300,
    -1e300,
    5e-324,
    Number.MIN_SAFE_INTEGER,
  ),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "chat.witness",
    "fuzz.>",
    "fuzz.*",
    "$SYS.>",
  ),
  fc.integer({ min: 60, max: 500 }).chain((depth) => fc.boolean().map((object) => nested(depth, object))),
  fc.integer({ min: 1, max: 40_000 }).map((length) => "x".repeat(length)),
  anyString,
  fc.anything({ maxDepth: 2, withNullPrototype: true }).filter(isSendable),
);

/** Functions and symbols exist in no message. */
function isSendable(value: unknown): boolean {
  return typeof value !== "function" && typeof value !== "symbol" && typeof value !== "bigint";
}

const key = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom("op", "id", "ch", "data", "mid", "since", "rewind", "presence", "token"),
  },
  loadedName,
  fc.string(),
);
const edit = fc.oneof(
  fc.record({
    key,
    value: fc.oneof({ weight: 3, arbitrary: wrong }, fc.anything({ maxDepth: 1 }).filter(isSendable)),
  }),
  fc.record({ key }),
);

/** A frame in which fields were put, replaced or left out; `__proto__` becomes a field like any other. */
const editedFrame = fc
  .tuple(clientFrame, fc.array(edit, { minLength: 1, maxLength: 3 }))
  .map(([frame, edits]) => {
    const edited = { ...frame };
    for (const change of edits)
      if ("value" in change)
        Object.defineProperty(edited, change.key, {
          value: change.value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      else delete edited[change.key];
    return edited;
  });

const frame = fc.oneof({ weight: 2, arbitrary: clientFrame }, { weight: 3, arbitrary: editedFrame }, wrong);
const frameOrBatch = fc.oneof(
  { weight: 4, arbitrary: frame },
  fc.array(frame, { maxLength: 12 }),
  fc.integer({ min: 990, max: 1_010 }).map((n) => Array(n).fill({ op: "ping" })),
);

interface Splice {
  at: number;
  remove: number;
  insert: Uint8Array;
}
const splice: fc.Arbitrary<Splice> = fc.record({
  at: fc.nat(400),
  remove: fc.nat(6),
  insert: fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc
      .constantFrom("[", "]", "{", "}", '"', ",", ":", "\\", "\\u", "1e999", "-", "null")
      .map((text) => Buffer.from(text)),
  ),
});

function spliced(bytes: Uint8Array, { at, remove, insert }: Splice): Buffer {
  const from = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(from + remove)]);
}

/** JSON cannot say undefined; a frame that is nothing at all is as good as null. */
const jsonOf = (value: unknown) => Buffer.from(JSON.stringify(value) ?? "null");

/** Numbers as text, some of which are none. */
const NUMBERS = [
  ...[
    "1e999",
    "-1e999",
    "1e-999",
    "-0",
    "00",
    "01",
    "+1",
    "0x1",
    "1_0",
    ".5",
    "5.",
    "--1",
    "1e",
    "1E3",
    "1.0",
  ],
  ...["NaN", "Infinity", "-Infinity", "9007199254740991", "9007199254740992", "9007199254740993"],
  ...["12345678901234567890", `1${"0".repeat(400)}`, `0.${"0".repeat(400)}1`, "1n", "undefined"],
];
const OPENINGS = [
  "[",
  '{"a":',
  '[{"op":"pub","id":1,"ch":"fuzz.a","data":',
  '{"op":"ping","x":[',
  '"',
  "\\",
  "\ufeff",
];

const jsonBytes = fc.oneof(
  { weight: 6, arbitrary: frameOrBatch.map(jsonOf) },
  {
    weight: 2,
    arbitrary: fc.tuple(clientFrame.map(jsonOf), splice).map(([bytes, change]) => spliced(bytes, change)),
  },
  fc
    .constantFrom(...NUMBERS)
    .map((token) => Buffer.from(`{"op":"pub","ch":"fuzz.a","data":${token},"id":${token}}`)),
  fc
    .record({ opening: fc.constantFrom(...OPENINGS), times: fc.nat(20_000), rest: fc.string() })
    .map(({ opening, times, rest }) =>
      Buffer.from(opening.repeat(Math.min(times, 200_000 / opening.length)) + rest),
    ),
  fc
    .constantFrom(
      '{"op":"ping","op":"pub"}',
      '{"id":1,"id":2,"op":"unsub","ch":"fuzz.a"}',
      " \n{}\t",
      "[[[]]]",
    )
    .map((text) => Buffer.from(text)),
);

/** What MessagePack can say beyond JSON. */
const beyondJson = fc
  .tuple(
    clientFrame,
    fc.constantFrom("data", "id", "ch", "since", "op"),
    fc.constantFrom<unknown>(
      new Uint8Array(9),
      Number.NaN,
      Infinity,
      2n ** 63n,
      -(2n ** 62n),
      new Date(0),
      new Map([[1, 2]]),
      new Set([1]),
      /x/g,
      undefined,
    ),
  )
  .map(([whole, field, value]) => Buffer.from(packFrame({ ...whole, [field]: value })));

/** Beginnings of things that are large, deep, of a strange type, or all of that. */
const HEADS = [
  ...[
    [0x91],
    [0x81, 0xa0],
    [0x81, 0x91],
    [0xdc, 0xff, 0xff],
    [0xde, 0xff, 0xff],
    [0xd9, 0xff],
    [0xda, 0xff, 0xff],
  ],
  ...[0xdd, 0xdf, 0xdb, 0xc6].flatMap((type) => [
    [type, 0xff, 0xff, 0xff, 0xff],
    [type, 0x00, 0xff, 0xff, 0xff],
  ]),
  ...[0x00, 0x42, 0x62, 0x65, 0x69, 0x70, 0x72, 0x73, 0x74, 0x78, 0xff].flatMap((type) => [
    [0xd4, type],
    [0xd5, type],
    [0xd6, type],
    [0xd7, type],
    [0xc7, 0x05, type],
    [0xc9, 0xff, 0xff, 0xff, 0xff, type],
  ]),
  [0xc1],
];
/** Either well within the decoder's stack, or far beyond it: in between, two processes may differ. */
const times = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 300 }) }, fc.constant(40_000));
const bomb = fc
  .record({
    heads: fc.array(fc.constantFrom(...HEADS), { minLength: 1, maxLength: 3 }),
    times,
    rest: fc.uint8Array({ maxLength: 30 }),
  })
  .map(({ heads, times, rest }) => {
    const head = Buffer.from(heads.flat());
    const most = Math.floor((MAX_FRAME_BYTES - rest.length) / head.length);
    return Buffer.concat([...Array<Buffer>(Math.min(times, most)).fill(head), rest]);
  });

const msgpackBytes = fc.oneof(
  { weight: 6, arbitrary: frameOrBatch.map((value) => Buffer.from(packFrame(value))) },
  {
    weight: 3,
    arbitrary: fc.tuple(clientFrame, splice).map(([value, change]) => spliced(packFrame(value), change)),
  },
  { weight: 2, arbitrary: bomb },
  beyondJson,
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

const oversized = fc
  .integer({ min: 1, max: MAX_FRAME_BYTES })
  .map((more) => Buffer.alloc(MAX_FRAME_BYTES + more, " "));

/** So that a counterexample can be read. */
function shown(message: Message): Message {
  const { opcode, payload } = message;
  const beginning = JSON.stringify(payload.toString("latin1", 0, MAX_SHOWN));
  const summary = `opcode ${opcode}, ${payload.length} bytes: ${beginning}`;
  return Object.assign(message, { [fc.toStringMethod]: () => summary });
}

/** Messages for a connection of that encoding; one in about twenty is of the other kind, or too large. */
export function messages(encoding: Encoding): fc.Arbitrary<Message[]> {
  const [right, other] = encoding === "json" ? [OPCODE.text, OPCODE.binary] : [OPCODE.binary, OPCODE.text];
  const bytes = encoding === "json" ? jsonBytes : msgpackBytes;
  const message = fc.oneof(
    { weight: 60, arbitrary: fc.record({ opcode: fc.constant(right), payload: bytes }) },
    { weight: 1, arbitrary: fc.record({ opcode: fc.constant(other), payload: bytes }) },
    { weight: 1, arbitrary: fc.record({ opcode: fc.constant(right), payload: oversized }) },
  );
  return fc.array(message.map(shown), { minLength: 1, maxLength: 30, size: "max" });
}
