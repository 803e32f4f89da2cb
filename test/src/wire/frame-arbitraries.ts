/** Frames that a client may send, and frames in which something is wrong, as values. */
import fc from "fast-check";

export const FUZZ_NAMESPACE = "fuzz";
/** All that the fuzzer's token allows; there are few, so that connections meet on them. */
export const CHANNELS = ["a", "b", "c"].map((name) => `${FUZZ_NAMESPACE}.${name}`);

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

export const clientFrame: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
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

const VALUES: unknown[] = [null, true, "", "1", [], {}, [[]], [null], "\u0000", "\ud800"];
const NUMBERS = [0, -0, -1, 0.5, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 2 ** 63, 1e300, -1e300, 5e-324];
const NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "chat.witness",
  "fuzz.>",
  "fuzz.*",
  "$SYS.>",
];

/** What no field should hold. */
const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.constantFrom(...NUMBERS),
  fc.constantFrom(...NAMES),
  fc.integer({ min: 60, max: 500 }).chain((depth) => fc.boolean().map((object) => nested(depth, object))),
  fc.integer({ min: 1, max: 40_000 }).map((length) => "x".repeat(length)),
  anyString,
  fc.anything({ maxDepth: 2, withNullPrototype: true }).filter(isSendable),
);

/** Functions and symbols exist in no message. */
function isSendable(value: unknown): boolean {
  return typeof value !== "function" && typeof value !== "symbol" && typeof value !== "bigint";
}

const FIELDS = ["op", "id", "ch", "data", "mid", "since", "rewind", "presence", "token"];
const key = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...FIELDS) }, loadedName, fc.string());
const edit = fc.oneof(
  fc.record({
    key,
    value: fc.oneof({ weight: 3, arbitrary: wrong }, fc.anything({ maxDepth: 1 }).filter(isSendable)),
  }),
  fc.record({ key }),
);

const OWN = { enumerable: true, configurable: true, writable: true };

/** A frame in which fields were put, replaced or left out; `__proto__` becomes a field like any other. */
const editedFrame = fc
  .tuple(clientFrame, fc.array(edit, { minLength: 1, maxLength: 3 }))
  .map(([frame, edits]) => {
    const edited = { ...frame };
    for (const change of edits)
      if ("value" in change) Object.defineProperty(edited, change.key, { ...OWN, value: change.value });
      else delete edited[change.key];
    return edited;
  });

const frame = fc.oneof({ weight: 2, arbitrary: clientFrame }, { weight: 3, arbitrary: editedFrame }, wrong);
export const frameOrBatch = fc.oneof(
  { weight: 4, arbitrary: frame },
  fc.array(frame, { maxLength: 12 }),
  fc.integer({ min: 990, max: 1_010 }).map((n) => Array(n).fill({ op: "ping" })),
);
