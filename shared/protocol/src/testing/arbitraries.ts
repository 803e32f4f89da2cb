/** Names and values as the protocol allows them, for property tests. */
import fc from "fast-check";
import type { Message } from "../frames.js";

const TOKEN_CHARACTERS = [..."abcXYZ019_-"];
const TENANT_CHARACTERS = [..."abz09-"];

/** Few characters and short tokens, so that two of them are often alike. */
const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 3 });
const common = fc.constantFrom("a", "b", "chat");
const anyToken = fc.oneof({ arbitrary: common, weight: 3 }, token);

export const anyTenant = fc.string({
  unit: fc.constantFrom(...TENANT_CHARACTERS),
  minLength: 1,
  maxLength: 32,
});

export const anyChannel = fc
  .array(anyToken, { minLength: 1, maxLength: 8 })
  .map((tokens) => tokens.join("."));

export const anyPattern = fc
  .tuple(
    fc.array(fc.oneof({ arbitrary: anyToken, weight: 2 }, fc.constant("*")), { maxLength: 7 }),
    fc.oneof(anyToken, fc.constant("*"), fc.constant(">")),
  )
  .map(([tokens, last]) => [...tokens, last].join("."));

export const anyEpoch = fc.string({
  unit: fc.constantFrom(...TOKEN_CHARACTERS),
  minLength: 1,
  maxLength: 64,
});

/** Text as users write it: any script, lone surrogates, control characters, and what looks like a record. */
export const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom("\ud800", "\udfff", "\0", "\u2028", '"', "\\", "é", "🙂") }),
  fc.constant('{"op":"msg","ch":"a.b","epoch":"e","seq":1,"n":1,"m":['),
  fc.constant('"}],"m":[{"id":"x","seq":9,"n":9}'),
);

/** What `data` may be, `__proto__` and other names with a meaning in JavaScript included. */
export const anyData = fc.oneof(
  fc.json({ stringUnit: "binary" }).map((json) => JSON.parse(json) as unknown),
  anyText,
  fc.dictionary(fc.constantFrom("__proto__", "constructor", "toJSON", "op", "seq"), anyText),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

export const anyMessage: fc.Arbitrary<Omit<Message, "ts">> = fc.record({
  id: anyText.filter((id) => id.length > 0),
  user: anyText.filter((user) => user.length > 0),
  conn: anyText,
  data: anyData,
});
