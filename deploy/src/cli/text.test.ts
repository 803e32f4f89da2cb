import assert from "node:assert/strict";
import { test } from "node:test";
import { bar, type Column, facts, moment, printable, span, table } from "./text.js";

test("a table is aligned, numbers to the right", () => {
  const rows = [
    { id: "eu-1", n: 7, state: "active" },
    { id: "us-10", n: 1200, state: "drained" },
  ];
  const columns: Column<(typeof rows)[number]>[] = [
    { title: "CELL", value: ({ id }) => id },
    { title: "CHANNELS", value: ({ n }) => n },
    { title: "STATE", value: ({ state }) => state },
  ];
  assert.deepEqual(table(columns, rows), [
    "CELL   CHANNELS  STATE",
    "eu-1          7  active",
    "us-10      1200  drained",
  ]);
  assert.deepEqual(table(columns, []), ["CELL  CHANNELS  STATE"]);
});

test("what users chose can't steer the terminal", () => {
  assert.equal(printable("a\u001b[31mb\u009b\r\n"), "a\\u001b[31mb\\u009b\\u000d\\u000a");
  assert.equal(printable("x\u202ey"), "x\\u202ey");
  assert.equal(printable("Zoë 漢字 👩‍🚀"), "Zoë 漢字 👩‍🚀");
  assert.equal(facts([["name", "a\u0007"]])[0], "name  a\\u0007");
});

test("progress is a bar that is full only at the end", () => {
  assert.equal(bar(0, 0), "[------------------------]   0 %  0/0");
  assert.equal(bar(199, 200), "[#######################-]  99 %  199/200");
  assert.equal(bar(200, 200), "[########################] 100 %  200/200");
  assert.equal(bar(1, 4), "[######------------------]  25 %  1/4");
});

test("times are short", () => {
  assert.equal(moment(0), "1970-01-01 00:00:00Z");
  assert.equal(span(0), "0 s");
  assert.equal(span(-5), "0 s");
  assert.equal(span(61_000), "1 m 1 s");
  assert.equal(span(3_600_000), "1 h");
  assert.equal(span(90_061_000), "1 d 1 h");
});
