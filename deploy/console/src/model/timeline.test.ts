import assert from "node:assert/strict";
import { test } from "node:test";
import { type Message, withFrame } from "./timeline.js";

const said = (data: number) => ({ user: "ada", ts: data, data });

test("a frame's messages follow by one; the newest stand first", () => {
  const frame = { epoch: "e1", seq: 4, m: [said(4), said(5)] };
  const shown = withFrame(withFrame([], { epoch: "e1", seq: 3, m: [said(3)] }), frame);
  assert.deepEqual(
    shown.map(({ seq, data }) => [seq, data]),
    [
      [5, 5],
      [4, 4],
      [3, 3],
    ],
  );
});

test("what a new stream repeats is shown once; the same seq of another epoch is another message", () => {
  const frame = { epoch: "e1", seq: 1, m: [said(1), said(2)] };
  const shown = withFrame([], frame);
  assert.equal(withFrame(shown, frame), shown);
  assert.equal(withFrame(shown, { ...frame, epoch: "e2" }).length, 4);
});

test("a hundred are kept", () => {
  let shown: readonly Message[] = [];
  for (let seq = 1; seq <= 250; seq++) shown = withFrame(shown, { epoch: "e1", seq, m: [said(seq)] });
  assert.deepEqual([shown.length, shown[0]?.seq, shown.at(-1)?.seq], [100, 250, 151]);
});
