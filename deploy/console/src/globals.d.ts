/** Put in by the build: the world's land as the `d` of an SVG path, in the units of the map. */
declare const LAND_PATH: string;
