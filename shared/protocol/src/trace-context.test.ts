import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTraceparent, parseTraceparent } from "./trace-context.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

test("the standard's example, sampled and not", () => {
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), { trace: TRACE, span: SPAN, sampled: true });
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled, false);
  // The flag "random" beside it, and flags that nobody knows yet.
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-03`)?.sampled, true);
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-fe`)?.sampled, false);
});

test("a later version is read as far as this one goes", () => {
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes-next`)?.trace, TRACE);
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01`)?.trace, TRACE);
  assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01.more`), null);
});

test("what is no traceparent is none", () => {
  const wrong = [
    undefined,
    null,
    7,
    "",
    TRACE,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01 `,
    ` 00-${TRACE}-${SPAN}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00_${TRACE}_${SPAN}_01`,
    `cc-${TRACE}-${SPAN}-01-${"x".repeat(300)}`,
  ];
  for (const text of wrong) assert.equal(parseTraceparent(text), null, String(text));
});

test("what is written down is read as it was", () => {
  const hex = (length: number) =>
    fc
      .array(fc.constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length })
      .map((digits) => digits.join(""))
      .filter((text) => !/^0+$/.test(text));
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (trace, span, sampled) => {
      const context = { trace, span, sampled };
      assert.deepEqual(parseTraceparent(formatTraceparent(context)), context);
    }),
  );
});
