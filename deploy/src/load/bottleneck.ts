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
  /** Whether it was at its limit; else it is the nearest to one. */
  readonly reached: boolean;
  readonly signal: Signal;
  /** The step in which it was seen, as an index. */
  readonly step: number;
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
      says: `this generator uses ${cpu(own.cpu)}, limit ${CORE_LIMIT}`,
    },
  ];
  const add = (part: Part, load: number, says: string) => signals.push({ part, load, says });
  if (own.lateP99Ms !== null)
    add(
      "generator",
      own.lateP99Ms / LATE_LIMIT_MS,
      `this generator sends ${ms(own.lateP99Ms)} late (p99), limit ${LATE_LIMIT_MS} ms`,
    );
  const { gatewayCpu, workerCpu, natsCpu, redisCpu, mailboxP99Ms, appendMs, gatewayLagMs, machine } = server;
  const onOneCore = [
    ["gateway", gatewayCpu, "gateway"],
    ["worker", workerCpu, "worker"],
    ["redis", redisCpu, "Redis"],
  ] as const;
  for (const [part, of, word] of onOneCore)
    if (of !== null)
      add(part, of.value / CORE_LIMIT, `${word} ${of.of} uses ${cpu(of.value)}, limit ${CORE_LIMIT}`);
  // NATS uses all cores that it finds.
  if (natsCpu !== null)
    add(
      "nats",
      natsCpu.value / (CORE_LIMIT * cores),
      `NATS ${natsCpu.of} uses ${cpu(natsCpu.value)}, limit ${(CORE_LIMIT * cores).toFixed(2)}`,
    );
  if (appendMs !== null)
    add(
      "nats",
      appendMs.value / APPEND_LIMIT_MS,
      `an append of ${appendMs.of} takes ${ms(appendMs.value)}, limit ${APPEND_LIMIT_MS} ms`,
    );
  if (mailboxP99Ms !== null)
    add(
      "mailbox",
      mailboxP99Ms.value / MAILBOX_LIMIT_MS,
      `${mailboxP99Ms.of}: messages wait ${ms(mailboxP99Ms.value)} (p99) in mailboxes, limit ${MAILBOX_LIMIT_MS} ms`,
    );
  if (gatewayLagMs !== null)
    add(
      "gateway",
      gatewayLagMs.value / LAG_LIMIT_MS,
      `the event loop of gateway ${gatewayLagMs.of} is ${ms(gatewayLagMs.value)} behind, limit ${LAG_LIMIT_MS} ms`,
    );
  if (machine !== null)
    add(
      "machine",
      machine / MACHINE_LIMIT,
      `this machine, which also runs the generator, is ${Math.round(machine * 100)} % busy, limit ${MACHINE_LIMIT * 100} %`,
    );
  const refused = REFUSALS.reduce((sum, code) => sum + (errors[code] ?? 0), 0);
  if (refused > 0)
    add(
      "quota",
      refused / Math.max(1, due) / REFUSED_LIMIT,
      `${refused} refusals (${REFUSALS.filter((code) => errors[code]).join(", ")}) upon ${due} publishes, limit ${REFUSED_LIMIT * 100} % of them`,
    );
  return signals.sort((a, b) => b.load - a.load);
}

/**
 * Of the first step in which anything was at its limit. The generator goes before all others, since what it is too slow
 * to send or to read says nothing about the servers; the machine that everybody shares goes after its processes.
 */
export function bottleneckOf(steps: ReadonlyArray<readonly Signal[]>): Bottleneck | undefined {
  for (const [step, signals] of steps.entries()) {
    const reached = signals.filter(({ load }) => load >= 1);
    const first =
      reached.find(({ part }) => part === "generator") ??
      reached.find(({ part }) => part !== "machine") ??
      reached[0];
    if (first !== undefined) return { reached: true, signal: first, step };
  }
  const nearest = steps.at(-1)?.[0];
  return nearest === undefined ? undefined : { reached: false, signal: nearest, step: steps.length - 1 };
}

/** What an operator would do about it. */
export const REMEDIES: Readonly<Record<Part, string>> = {
  generator:
    "it says nothing of the servers: run the generator on a machine of its own, or several with a part of the load each",
  machine:
    "the generator and the servers share it: run the generator elsewhere to learn what the servers carry",
  gateway: "add gateways; clients spread over them as they connect",
  worker: "add a worker to its cell, up to 64, or a cell",
  mailbox:
    "channels get more than their workers append: add a worker or a cell, or spread over more channels",
  nats: "give the cell's NATS a faster disk or more cores, or add a cell",
  redis: "add a cell: a Redis works on one core",
  quota:
    "raise the tenant's quotas, or what one address may open (PLEXUS_CONNECTIONS_PER_ADDRESS_PER_SECOND)",
};

function cpu(cores: number): string {
  return `${cores.toFixed(2)} cores`;
}
function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
