/** MessagePack for the subprotocol `plexus.v1.msgpack`: plain maps, no extensions, integers as numbers. */
// Without its native part, which makes one string of many and cuts them out of it: a name that is kept would keep all of it.
import { Packr } from "msgpackr/pack";

const packr = new Packr({
  useRecords: false,
  // A field of a message that has this name is data, as any other.
  useToJSON: false,
  mapsAsObjects: true,
  moreTypes: false,
  int64AsType: "number",
  largeBigIntToFloat: true,
  // Values that refer to each other: a few hundred bytes could stand for more than anybody can walk through.
  structuredClone: false,
});

/**
 * Half a surrogate pair, which JSON can escape and UTF-8 cannot say, becomes U+FFFD: readers in other languages fail
 * over a whole message for it.
 */
export function packFrame(frame: unknown): Uint8Array {
  const bytes = packr.pack(frame);
  return mayHoldSurrogate(bytes) ? packr.pack(wellFormed(frame)) : bytes;
}

/** Three bytes from ED A0 80 on are where surrogates would be. The same bytes in a number do no harm. */
function mayHoldSurrogate(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0xed); at !== -1; at = bytes.indexOf(0xed, at + 1))
    if (bytes[at + 1]! >= 0xa0) return true;
  return false;
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/\p{Surrogate}/gu, "\ufffd");
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [wellFormed(key), wellFormed(each)]));
}

/** Throws on anything that is not exactly one MessagePack value. Bound the size before you call it. */
export function unpackFrame(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
