/** Where regions lie, as far as their names say so. Pure. */

/** Longitude and latitude in degrees. */
export type Place = readonly [longitude: number, latitude: number];

/** Names in use at the usual providers, by their beginnings; the longest that fits counts. */
const PLACES: Record<string, Place> = {
  africa: [24, -3],
  af: [24, -3],
  "af-south": [18.4, -33.9],
  ap: [110, 10],
  asia: [103.8, 1.3],
  "asia-east": [121, 24],
  "asia-northeast": [139.7, 35.7],
  "asia-south": [72.9, 19],
  "asia-southeast": [103.8, 1.3],
  "ap-east": [114.2, 22.3],
  "ap-northeast": [139.7, 35.7],
  "ap-south": [72.9, 19],
  "ap-southeast": [103.8, 1.3],
  "ap-southeast-2": [151.2, -33.9],
  au: [147, -30],
  br: [-46.6, -23.5],
  ca: [-79, 45.5],
  cn: [116.4, 39.9],
  de: [8.7, 50.1],
  eu: [9, 49],
  "eu-central": [8.7, 50.1],
  "eu-north": [18, 59.3],
  "eu-south": [9.2, 45.5],
  "eu-west": [-6.3, 53.3],
  europe: [9, 49],
  "europe-north": [27, 61],
  "europe-west": [3.8, 50.5],
  fr: [2.3, 48.9],
  il: [34.8, 32.1],
  in: [77, 20],
  jp: [139.7, 35.7],
  kr: [127, 37.5],
  me: [50.5, 26],
  nl: [4.9, 52.4],
  oc: [151.2, -33.9],
  sa: [-46.6, -23.5],
  sg: [103.8, 1.3],
  uk: [-0.1, 51.5],
  us: [-98, 39],
  "us-central": [-95.9, 41.3],
  "us-east": [-77.5, 39],
  "us-west": [-121, 44],
  za: [28, -26],
};

/** Undefined where the name says nothing, as in "lab". */
export function placeOf(region: string): Place | undefined {
  const fits = Object.keys(PLACES).filter(
    (name) => region === name || region.startsWith(`${name}-`) || isNumbered(region, name),
  );
  const longest = fits.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : PLACES[longest];
}

/** As in eu1, or us-east1. */
function isNumbered(region: string, name: string): boolean {
  return region.startsWith(name) && /^\d+$/.test(region.slice(name.length));
}
