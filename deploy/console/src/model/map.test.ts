import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Box, MAP, pixel, placeLabels, spotsOf } from "./map.js";
import { placeOf } from "./regions.js";

test("a region's place is that of the longest name that it begins with", () => {
  assert.deepEqual(placeOf("eu"), placeOf("eu1"));
  assert.deepEqual(placeOf("ap-southeast-2"), [151.2, -33.9]);
  assert.deepEqual(placeOf("ap-southeast"), placeOf("ap-southeast-1"));
  assert.notDeepEqual(placeOf("us-east-2"), placeOf("us-west-2"));
  for (const unknown of ["lab", "euphoria", "usable", ""]) assert.equal(placeOf(unknown), undefined, unknown);
});

test("one spot for each region; those of unknown place stand apart from each other, within the map", () => {
  const spots = spotsOf(["us", "eu", "lab", "eu", "cellar"]);
  assert.deepEqual(
    spots.map(({ region, isKnown }) => [region, isKnown]),
    [
      ["cellar", false],
      ["eu", true],
      ["lab", false],
      ["us", true],
    ],
  );
  assert.deepEqual([spots[1]!.x, spots[1]!.y], [189, 41]);
  assert.notEqual(spots[0]!.x, spots[2]!.x);
  for (const { x, y } of spots) {
    assert.ok(x > MAP.left && x < MAP.left + MAP.width, String(x));
    assert.ok(y > MAP.top && y < MAP.top + MAP.height, String(y));
  }
});

const apart = (a: Box, b: Box) =>
  a.left + a.width <= b.left ||
  b.left + b.width <= a.left ||
  a.top + a.height <= b.top ||
  b.top + b.height <= a.top;

test("labels of the usual regions cover neither each other nor another spot, on a phone and on a desktop", () => {
  const spots = spotsOf(["us-east", "us-west", "eu-west", "eu-central", "ap-southeast"]);
  for (const [width, labelWidth] of [
    [340, 74],
    [660, 150],
  ] as const) {
    const map = { width, height: (width * MAP.height) / MAP.width };
    const sizes = spots.map(() => ({ width: labelWidth, height: 26 }));
    const boxes = placeLabels(spots, sizes, map);
    for (const [i, box] of boxes.entries()) {
      for (const other of boxes.slice(i + 1)) assert.ok(apart(box, other), `${width}: ${i}`);
      for (const spot of spots) {
        const { x, y } = pixel(spot, map);
        assert.ok(
          apart(box, { left: x - 4, top: y - 4, width: 8, height: 8 }),
          `${width}: ${i} ${spot.region}`,
        );
      }
    }
  }
});

test("whatever the regions are called, their labels stay within the map", () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}(-[a-z]{1,9})?$/), { maxLength: 30 });
  fc.assert(
    fc.property(names, fc.integer({ min: 300, max: 900 }), (regions, width) => {
      const spots = spotsOf(regions);
      const map = { width, height: (width * MAP.height) / MAP.width };
      const sizes = spots.map(() => ({ width: 90, height: 28 }));
      const boxes = placeLabels(spots, sizes, map);
      assert.equal(boxes.length, spots.length);
      for (const box of boxes) {
        assert.ok(box.left >= 0 && box.left + box.width <= map.width);
        assert.ok(box.top >= 0 && box.top + box.height <= map.height);
      }
    }),
  );
});
