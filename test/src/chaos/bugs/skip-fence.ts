/** See names.ts. The header with which the log refuses an append after a record that the writer does not know is left out. */
import { headers } from "nats";

const FENCE_HEADER = "Nats-Expected-Last-Subject-Sequence";

interface Headers {
  set(name: string, ...more: unknown[]): void;
}

const prototype = Object.getPrototypeOf(headers()) as Headers;
const { set } = prototype;
prototype.set = function (this: Headers, name, ...more) {
  if (name !== FENCE_HEADER) set.call(this, name, ...more);
};
