/** Messages to send over a connection: frames and batches, with something wrong in them, and bytes that are none. */
import { packFrame } from "@plexus/protocol/msgpack";
import fc from "fast-check";
import type { Encoding } from "../harness/raw-client.js";
import { clientFrame, frameOrBatch } from "./frame-arbitraries.js";
import { OPCODE } from "./frames.js";

/** One WebSocket message. */
export interface Message {
  readonly opcode: number;
  readonly payload: Buffer;
}

const MAX_FRAME_BYTES = 262_144;
/** Bytes of a message in a report. */
const MAX_SHOWN = 300;

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
  ..."1e999 -1e999 1e-999 -0 00 01 +1 0x1 1_0 .5 5. --1 1e 1E3 1.0 NaN Infinity -Infinity undefined 1n".split(
    " ",
  ),
  ..."9007199254740991 9007199254740992 9007199254740993 12345678901234567890".split(" "),
  `1${"0".repeat(400)}`,
  `0.${"0".repeat(400)}1`,
];
const DEEP_PUB = '[{"op":"pub","id":1,"ch":"fuzz.a","data":';
const OPENINGS = ["[", '{"a":', DEEP_PUB, '{"op":"ping","x":[', '"', "\\", "\ufeff"];
/** The last of two fields of one name counts; batches do not nest. */
const ODD = ['{"op":"ping","op":"pub"}', '{"id":1,"id":2,"op":"unsub","ch":"fuzz.a"}', " \n{}\t", "[[[]]]"];

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
  fc.constantFrom(...ODD).map((text) => Buffer.from(text)),
);

/** What MessagePack can say beyond JSON. */
const BEYOND_JSON: unknown[] = [
  ...[new Uint8Array(9), Number.NaN, Infinity, 2n ** 63n, -(2n ** 62n)],
  ...[new Date(0), new Map([[1, 2]]), new Set([1]), /x/g, undefined],
];
const beyondJson = fc
  .tuple(clientFrame, fc.constantFrom("data", "id", "ch", "since", "op"), fc.constantFrom(...BEYOND_JSON))
  .map(([whole, field, value]) => Buffer.from(packFrame({ ...whole, [field]: value })));

/** Beginnings of things that are large, deep, of a strange type, or all of that. */
const HEADS = [
  ...[[0x91], [0x81, 0xa0], [0x81, 0x91], [0xc1]],
  ...[0xdc, 0xde, 0xda].map((type) => [type, 0xff, 0xff]),
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
