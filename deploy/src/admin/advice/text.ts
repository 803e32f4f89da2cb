/** Signals in words, with their units. */
import type { SignalName } from "./samples.js";

const TEXT: Readonly<Record<SignalName, (number: string) => string>> = {
  cpu: (number) => `${number} processor cores a process`,
  fill: (number) => `${number} of what a process may hold`,
  lagMs: (number) => `an event loop ${number} late`,
  mailboxMs: (number) => `a mailbox delay (p99) of ${number}`,
  appendMs: (number) => `an append (p99) of ${number}`,
};

export function textOf(name: SignalName, value: number): string {
  return TEXT[name](numberOf(name, value));
}

export function numberOf(name: SignalName, value: number): string {
  if (name === "fill") return `${Math.round(value * 100)} %`;
  return name === "cpu" ? value.toFixed(2) : `${Number(value.toPrecision(3))} ms`;
}
