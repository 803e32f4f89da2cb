/** Reading a little of what lies in bytes, where to parse all of it would cost more than everything else. */

const ZERO = 0x30;

/** Whether `part` stands at `from`. */
export function holds(bytes: Uint8Array, part: Uint8Array, from: number): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[from + i] !== part[i]) return false;
  return true;
}

/** The integer whose last digit stands right before `end`, and `label` right before it; null where there is none. */
export function numberBefore(bytes: Uint8Array, end: number, label: Uint8Array): number | null {
  let at = end - 1;
  let number = 0;
  let scale = 1;
  for (; bytes[at]! >= ZERO && bytes[at]! < ZERO + 10; at--, scale *= 10)
    number += (bytes[at]! - ZERO) * scale;
  return scale > 1 && holds(bytes, label, at + 1 - label.length) ? number : null;
}
