/** Every fault there is, what is expected of the installation under it, and what it needs. */
import type { RunningProcess } from "../cli/installation.js";
import type { GameTarget } from "./target.js";

/** A fault that has begun. */
export interface Begun {
  /** What it befell. */
  readonly target: string;
  /** Ends it. May be called at any time, and does not take long. */
  undo(): Promise<void>;
  /** Whether what it befell is whole again. */
  isOver(): Promise<boolean>;
}

export interface Fault {
  readonly doc: string;
  readonly hypothesis: string;
  /** What makes it possible: processes of this machine, the admin API alone, or pods. */
  readonly needs: "processes" | "api" | "pods";
  /** The longest that a message may wait, as the hypothesis says. */
  readonly pauseMs: number;
  /** Undefined where there is nothing that it could befall. */
  begin(target: GameTarget, holdMs: number): Promise<Begun | undefined>;
}

const nothing = async () => undefined;
const READY_WITHIN_MS = 2_000;
/** A frozen process is thawed by itself if nobody has done so by then. */
const THAW_RESERVE_MS = 30_000;

/** It answers, and says that it is ready; brokers serve nothing of that kind. */
async function isReady({ opsUrl }: RunningProcess): Promise<boolean> {
  if (opsUrl === null) return true;
  try {
    const signal = AbortSignal.timeout(READY_WITHIN_MS);
    return (await fetch(`${opsUrl}/readyz`, { headers: { connection: "close" }, signal })).ok;
  } catch {
    return false; // not yet
  }
}

/** SIGKILL; the launcher of `npm start` starts it again. */
function killed(kind: string): Fault["begin"] {
  return async (target) => {
    const victim = target.pick(kind);
    if (victim === undefined) return undefined;
    target.signal(victim, "SIGKILL");
    const isOver = async () => target.pidOf(victim.id) !== victim.pid && (await isReady(victim));
    return { target: victim.id, undo: nothing, isOver };
  };
}

/** SIGSTOP: its connections stay open, and it knows nothing of what happens meanwhile. */
function frozen(kind: string): Fault["begin"] {
  return async (target, holdMs) => {
    const victim = target.pick(kind);
    if (victim === undefined) return undefined;
    const undo = await target.freeze(victim, holdMs + THAW_RESERVE_MS);
    return { target: victim.id, undo, isOver: () => isReady(victim) };
  };
}

const drainCell: Fault["begin"] = async (target) => {
  const cell = await target.activeCell();
  if (cell === undefined) return undefined;
  const undo = await target.drainCell(cell);
  return { target: cell, undo, isOver: () => target.isIdle() };
};

/** By the API, and then stopped, since a drained gateway stays so until it is started again. */
const drainGateway: Fault["begin"] = async (target) => {
  const victim = target.pick("gateway");
  if (victim === undefined || (await target.gateways()).gateways.length < 2) return undefined;
  await target.drainGateway(victim.id);
  const undo = async () => {
    if (target.pidOf(victim.id) === victim.pid) target.signal(victim, "SIGTERM");
  };
  const isOver = async () => target.pidOf(victim.id) !== victim.pid && (await isReady(victim));
  return { target: victim.id, undo, isOver };
};

const disconnect: Fault["begin"] = async (target) => {
  const { closed } = await target.disconnectProbe();
  return { target: `${closed} connections of the probe`, undo: nothing, isOver: async () => true };
};

function podDeleted(component: string): Fault["begin"] {
  return async (target) => {
    const pod = await target.deletePod(component);
    return pod === undefined ? undefined : { target: pod, undo: nothing, isOver: () => target.isIdle() };
  };
}

const SAFE = "nothing is lost, doubled or out of order";

export const FAULTS = {
  "worker-kill": {
    doc: "a worker is killed",
    hypothesis: `another one, or it itself, goes on with its channels within 5 s; ${SAFE}`,
    needs: "processes",
    pauseMs: 5_000,
    begin: killed("worker"),
  },
  "worker-freeze": {
    doc: "a worker stands still, and goes on",
    hypothesis: `others take its channels over, or it goes on, within 5 s of either; ${SAFE}`,
    needs: "processes",
    pauseMs: 10_000,
    begin: frozen("worker"),
  },
  "gateway-kill": {
    doc: "a gateway is killed",
    hypothesis: `its clients are back within 5 s and miss nothing; ${SAFE}`,
    needs: "processes",
    pauseMs: 5_000,
    begin: killed("gateway"),
  },
  "gateway-freeze": {
    doc: "a gateway stands still, and goes on",
    hypothesis: `its clients notice, are elsewhere within 10 s and miss nothing; ${SAFE}`,
    needs: "processes",
    pauseMs: 10_000,
    begin: frozen("gateway"),
  },
  "gateway-drain": {
    doc: "a gateway is drained, stopped and started again",
    hypothesis: `its clients go elsewhere within 2 s and miss nothing; ${SAFE}`,
    needs: "processes",
    pauseMs: 2_000,
    begin: drainGateway,
  },
  "redis-kill": {
    doc: "a Redis is killed",
    hypothesis: `messages do not notice; ${SAFE}`,
    needs: "processes",
    pauseMs: 1_000,
    begin: killed("redis"),
  },
  "redis-freeze": {
    doc: "a Redis stands still, and goes on",
    hypothesis: `messages do not notice; ${SAFE}`,
    needs: "processes",
    pauseMs: 1_000,
    begin: frozen("redis"),
  },
  "nats-kill": {
    doc: "a NATS server is killed",
    hypothesis: `everybody is connected to it again within 10 s; ${SAFE}`,
    needs: "processes",
    pauseMs: 10_000,
    begin: killed("nats"),
  },
  "nats-freeze": {
    doc: "a NATS server stands still, and goes on",
    hypothesis: `messages wait for it, and go on within 10 s; ${SAFE}`,
    needs: "processes",
    pauseMs: 15_000,
    begin: frozen("nats"),
  },
  "admin-kill": {
    doc: "the admin API is killed",
    hypothesis: `messages do not notice; ${SAFE}`,
    needs: "processes",
    pauseMs: 1_000,
    begin: killed("admin"),
  },
  "cell-drain": {
    doc: "a cell is drained, and activated again",
    hypothesis: `its channels move with a pause of less than 2 s; ${SAFE}`,
    needs: "api",
    pauseMs: 2_000,
    begin: drainCell,
  },
  "user-disconnect": {
    doc: "the probe's connections are closed by the admin API",
    hypothesis: `they are back within 2 s and miss nothing; ${SAFE}`,
    needs: "api",
    pauseMs: 2_000,
    begin: disconnect,
  },
  "gateway-pod": {
    doc: "a gateway's pod is deleted",
    hypothesis: `its clients go elsewhere within 5 s and miss nothing; ${SAFE}`,
    needs: "pods",
    pauseMs: 5_000,
    begin: podDeleted("gateway"),
  },
  "worker-pod": {
    doc: "a worker's pod is deleted",
    hypothesis: `another worker goes on with its channels within 5 s; ${SAFE}`,
    needs: "pods",
    pauseMs: 5_000,
    begin: podDeleted("worker"),
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

export function isFault(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

/** Those that take the least away, of those that are possible: what is held where nothing is chosen. */
export function defaultFaults({ isLocal, hasPods }: Pick<GameTarget, "isLocal" | "hasPods">): FaultName[] {
  return [
    ...(isLocal ? (["worker-kill", "worker-freeze", "gateway-kill", "redis-freeze"] as const) : []),
    ...(hasPods ? (["gateway-pod", "worker-pod"] as const) : []),
    "cell-drain",
    "user-disconnect",
  ];
}

/** Why a fault is not possible there; undefined where it is. */
export function impossible(
  name: FaultName,
  { isLocal, hasPods }: Pick<GameTarget, "isLocal" | "hasPods">,
): string | undefined {
  const { needs } = FAULTS[name];
  if (needs === "processes" && !isLocal)
    return `${name} needs an installation that npm start runs on this machine`;
  if (needs === "pods" && !hasPods) return `${name} needs --kubectl NAMESPACE`;
  return undefined;
}
