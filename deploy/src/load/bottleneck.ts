/** Which part of the whole reached its limit first; pure. */
import type { ByCode } from "./meter.js";
import type { ServerSide } from "./server-side.js";

export type Part = "generator" | "machine" | "gateway" | "worker" | "mailbox" | "nats" | "redis" | "quota";

/** How near one part is to its limit: 1 is at it. */
export interface Signal {
  readonly part: Part;
  readonly load: number;
  /** The figure and the limit, for a person. */
  readonly says: string;
}

/** What one step showed. */
export interface Observed {
  readonly due: number;
  readonly errors: ByCode;
  readonly own: { readonly cpu: number; readonly lateP99Ms: number | null };
  readonly server: ServerSide;
}

export interface Bottleneck {
  /** None of them was at its limit. */
  readonly reached: boolean;
  readonly signal: Signal;
}

/** A process runs its JavaScript on one core; beyond this share of it, waiting grows without bound. */
const CORE_LIMIT = 0.85;
const LATE_LIMIT_MS = 50;
const LAG_LIMIT_MS = 100;
const MAILBOX_LIMIT_MS = 100;
const MACHINE_LIMIT = 0.95;
const APPEND_LIMIT_MS = 50;
const REFUSED_LIMIT = 0.01;
const REFUSALS = ["rate_limited", "limit_reached", "upgrade_429"];

/** Every signal that is known, the nearest to its limit first. */
export function signalsOf({ due, errors, own, server }: Observed, cores: number): Signal[] {
  const signals: Signal[] = [
    {
      part: "generator",
      load: own.cpu / CORE_LIMIT,
      says: `this generator uses ${cpu(own.cpu)} of ${CORE_LIMIT}`,
    },
  ];
  const add = (part: Part, load: number, says: string) => signals.push({ part, load, says });
  if (own.lateP99Ms !== null)
    add(
      "generator",
      own.lateP99Ms / LATE_LIMIT_MS,
      `this generator is ${ms(own.lateP99Ms)} late (p99) of ${LATE_LIMIT_MS} ms`,
    );
  const { gatewayCpu, workerCpu, natsCpu, redisCpu, mailboxP99Ms, appendMs, gatewayLagMs, machine } = server;
  const onOneCore = [
    ["gateway", gatewayCpu, "gateway"],
    ["worker", workerCpu, "worker"],
    ["redis", redisCpu, "Redis"],
  ] as const;
  for (const [part, of, word] of onOneCore)
    if (of !== null)
      add(part, of.value / CORE_LIMIT, `${word} ${of.of} uses ${cpu(of.value)} of ${CORE_LIMIT}`);
  // NATS uses all cores that it finds.
  if (natsCpu !== null)
    add(
      "nats",
      natsCpu.value / (CORE_LIMIT * cores),
      `NATS ${natsCpu.of} uses ${cpu(natsCpu.value)} of ${(CORE_LIMIT * cores).toFixed(2)}`,
    );
  if (appendMs !== null)
    add(
      "nats",
      appendMs.value / APPEND_LIMIT_MS,
      `an append of ${appendMs.of} takes ${ms(appendMs.value)} of ${APPEND_LIMIT_MS} ms`,
    );
  if (mailboxP99Ms !== null)
    add(
      "mailbox",
      mailboxP99Ms.value / MAILBOX_LIMIT_MS,
      `${mailboxP99Ms.of}: messages wait ${ms(mailboxP99Ms.value)} (p99) in mailboxes of ${MAILBOX_LIMIT_MS} ms`,
    );
  if (gatewayLagMs !== null)
    add(
      "gateway",
      gatewayLagMs.value / LAG_LIMIT_MS,
      `gateway ${gatewayLagMs.of} lags ${ms(gatewayLagMs.value)} of ${LAG_LIMIT_MS} ms`,
    );
  if (machine !== null)
    add(
      "machine",
      machine / MACHINE_LIMIT,
      `this machine, which also runs the generator, is ${Math.round(machine * 100)} % busy of ${MACHINE_LIMIT * 100} %`,
    );
  const refused = REFUSALS.reduce((sum, code) => sum + (errors[code] ?? 0), 0);
  if (refused > 0)
    add(
      "quota",
      refused / Math.max(1, due) / REFUSED_LIMIT,
      `${refused} refusals (${REFUSALS.filter((code) => errors[code]).join(", ")}) upon ${due} publishes, of ${REFUSED_LIMIT * 100} %`,
    );
  return signals.sort((a, b) => b.load - a.load);
}

/**
 * Of the first step in which anything was at its limit. The generator goes before all others, since what it is too slow
 * to send or to read says nothing about the servers; the machine that everybody shares goes after its processes.
 */
export function bottleneckOf(steps: ReadonlyArray<readonly Signal[]>): Bottleneck | undefined {
  for (const signals of steps) {
    const reached = signals.filter(({ load }) => load >= 1);
    const first =
      reached.find(({ part }) => part === "generator") ??
      reached.find(({ part }) => part !== "machine") ??
      reached[0];
    if (first !== undefined) return { reached: true, signal: first };
  }
  const nearest = steps.at(-1)?.[0];
  return nearest === undefined ? undefined : { reached: false, signal: nearest };
}

function cpu(cores: number): string {
  return `${cores.toFixed(2)} cores`;
}
function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
