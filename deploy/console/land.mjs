// The outline of the world's land as one SVG path: Natural Earth at 1:110 million (world-atlas), in the units of the
// console's map, a degree each, without what would be smaller than a dot.

import { createRequire } from "node:module";
import { feature } from "topojson-client";

/** Rings that span less than this are no more than noise at the map's size. */
const MIN_SPAN_DEGREES = 2.5;
/** Nobody's cell is there, and the projection makes most of it. */
const SOUTHERN_EDGE = -58;

/** @returns {string} the `d` of an SVG path; x is the longitude + 180, y is 90 - latitude */
export function landPath() {
  const topology = createRequire(import.meta.url)("world-atlas/land-110m.json");
  const { features } = feature(topology, topology.objects.land);
  return features
    .flatMap(({ geometry }) => geometry.coordinates.flat())
    .flatMap(whole)
    .filter((ring) => isSeen(ring))
    .map(ringPath)
    .join("");
}

/** A ring that crosses the date line goes on beyond the edge, and once more at the other one. */
function whole(ring) {
  let shift = 0;
  const unwrapped = ring.map(([longitude, latitude], i) => {
    const step = i === 0 ? 0 : longitude - ring[i - 1][0];
    if (Math.abs(step) > 180) shift -= Math.sign(step) * 360;
    return [longitude + shift, latitude];
  });
  const crosses = (edge) => unwrapped.some(([longitude]) => edge * longitude > 180);
  const copies = [1, -1].filter(crosses).map((edge) => unwrapped.map(([x, y]) => [x - edge * 360, y]));
  return [unwrapped, ...copies];
}

function isSeen(ring) {
  const span = (axis) => {
    const values = ring.map((point) => point[axis]);
    return Math.max(...values) - Math.min(...values);
  };
  const north = Math.max(...ring.map(([, latitude]) => latitude));
  return Math.max(span(0), span(1)) >= MIN_SPAN_DEGREES && north > SOUTHERN_EDGE;
}

/** Steps between half degrees: points that fall on the same one are one. */
function ringPath(ring) {
  const points = ring.map(([longitude, latitude]) => [
    Math.round((longitude + 180) * 2),
    Math.round((90 - latitude) * 2),
  ]);
  let [x, y] = points[0];
  let path = `M${x / 2} ${y / 2}l`;
  for (const [nextX, nextY] of points.slice(1)) {
    if (nextX === x && nextY === y) continue;
    path += `${(nextX - x) / 2} ${(nextY - y) / 2} `;
    [x, y] = [nextX, nextY];
  }
  return `${path
    .trimEnd()
    .replaceAll(" -", "-")
    .replaceAll(/(?<![\d.])0\./g, ".")
    .replaceAll("-0.", "-.")}z`;
}
