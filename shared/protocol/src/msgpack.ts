/** MessagePack for the subprotocol `plexus.v1.msgpack`: plain maps, no extensions, integers as numbers. */
import { Packr } from "msgpackr";

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  moreTypes: false,
  int64AsType: "number",
  largeBigIntToFloat: true,
  // Values that refer to each other: a few hundred bytes could stand for more than anybody can walk through.
  structuredClone: false,
});

export function packFrame(frame: unknown): Uint8Array {
  return packr.pack(frame);
}

/** Throws on anything that is not exactly one MessagePack value. Bound the size before you call it. */
export function unpackFrame(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
