/** The map: what is drawn where, in its own units of a degree, and labels that don't cover each other. Pure. */
import { placeOf } from "./regions.js";

/** Equirectangular, without the poles: x is the longitude + 180, y is 90 - latitude. */
export const MAP = { left: 10, top: 10, width: 345, height: 138 } as const;
/** Where regions stand whose place nobody knows: side by side in the southern ocean, and marked as such. */
const ELSEWHERE_Y = 140;

export interface Spot {
  readonly region: string;
  readonly x: number;
  readonly y: number;
  readonly isKnown: boolean;
}

export function spotsOf(regions: readonly string[]): Spot[] {
  const names = [...new Set(regions)].sort();
  const unknown = names.filter((region) => placeOf(region) === undefined);
  return names.map((region) => {
    const place = placeOf(region);
    if (place !== undefined) return { region, x: place[0] + 180, y: 90 - place[1], isKnown: true };
    const step = MAP.width / (unknown.length + 1);
    const x = MAP.left + step * (unknown.indexOf(region) + 1);
    return { region, x, y: ELSEWHERE_Y, isKnown: false };
  });
}

export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** Pixels between a spot and its label. */
const BESIDE = 16;
/** Pixels between labels. */
const APART = 4;
/** Half the width of what no label should cover: the middle of another region's spot. */
const SPOT = 8;
/** How many steps of a quarter of its height a label is moved up or down before it is left where it is. */
const SHIFTS = 24;

/** Top left corners for labels of these sizes: beside their spot, within the map, off each other where there is room. */
export function placeLabels(spots: readonly Spot[], sizes: readonly Size[], map: Size): Box[] {
  const placed: Box[] = [];
  for (const [i, spot] of spots.entries()) {
    const size = sizes[i]!;
    const options = candidates(pixel(spot, map), size, map);
    const taken = [...placed, ...spots.map((one) => boxAround(pixel(one, map)))];
    const free = options.find((box) => taken.every((other) => !overlap(box, other)));
    placed.push(free ?? options[0]!);
  }
  return placed;
}

/** Where a spot stands on a map of that many pixels. */
export function pixel({ x, y }: { x: number; y: number }, { width, height }: Size) {
  return { x: ((x - MAP.left) / MAP.width) * width, y: ((y - MAP.top) / MAP.height) * height };
}

function candidates({ x, y }: { x: number; y: number }, { width, height }: Size, map: Size): Box[] {
  const within = (value: number, size: number, most: number) => Math.max(2, Math.min(value, most - size - 2));
  const right = x + BESIDE;
  const left = x - BESIDE - width;
  const sides = x < map.width / 2 ? [right, left] : [left, right];
  const shifts = Array.from({ length: SHIFTS }, (_, i) => ((i % 2 ? 1 : -1) * Math.ceil(i / 2) * height) / 4);
  return shifts.flatMap((shift) =>
    sides.map((side) => ({
      left: within(side, width, map.width),
      top: within(y - height / 2 + shift, height, map.height),
      width,
      height,
    })),
  );
}

function boxAround({ x, y }: { x: number; y: number }): Box {
  return { left: x - SPOT, top: y - SPOT, width: 2 * SPOT, height: 2 * SPOT };
}

function overlap(a: Box, b: Box): boolean {
  const gap = APART;
  return (
    a.left < b.left + b.width + gap &&
    b.left < a.left + a.width + gap &&
    a.top < b.top + b.height + gap &&
    b.top < a.top + a.height + gap
  );
}
