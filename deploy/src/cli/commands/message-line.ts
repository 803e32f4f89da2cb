import { moment, printable } from "../text.js";

/** A message in one line. What users wrote is shown as JSON, so that a line stays a line. */
export function messageLine(message: { seq: number; user: string; ts: number; data: unknown }): string {
  const { seq, user, ts, data } = message;
  return `${String(seq).padStart(6)}  ${moment(ts)}  ${printable(user)}  ${printable(JSON.stringify(data))}`;
}
