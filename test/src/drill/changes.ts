/** What can be done to a cluster under load: one function for each drill. */
import { setTimeout as pause } from "node:timers/promises";
import type { ClusterProcess } from "@plexus/deploy/launcher";
import type { Operation } from "@plexus/runtime";
import { progressOf, type Stage } from "./stage.js";

export interface Performed {
  /** How long it took, where an operation says so. */
  durationMs?: number;
  /** A cell whose log can't be reached any more: its channels go on elsewhere with word of a hole. */
  lostCell?: string;
  /** How long a cell that died was away before it was given up. */
  awayMs?: number;
  /** How far it was when something happened in the middle. */
  interruptedAt?: { moved: number; total: number };
}

export interface Change {
  readonly doc: string;
  /** What has to be so before the load begins. */
  prepare?(stage: Stage): Promise<unknown>;
  perform(stage: Stage): Promise<Performed>;
  /** Once all is measured: brings back what was taken away. */
  afterwards?(stage: Stage): Promise<unknown>;
  /** Whether connections may be cut, or requests stay without an answer. */
  readonly cuts?: boolean;
  /** Whether everybody has to wait for what is away, so that pauses are reported and not judged. */
  readonly pauses?: boolean;
  /**
   * Whether channels that were never written to may go on in another epoch, with word of it: a gateway that missed
   * the whole change is the only one that knew of them.
   */
  readonly emptyMayStartOver?: boolean;
  /** Whether channels are away for as long as it takes to give a cell up. */
  readonly awaitsGrace?: boolean;
}

/** The cell that goes and comes in every drill. */
const CELL = "eu-1";
const OTHER_CELL = "us-1";
const NEW_CELL = "us-2";
/** How much of the channels has moved when something happens in the middle. */
const MIDDLE = 0.2;
const PROCESS_DEADLINE_MS = 60_000;
/** How long a cell stands still before it is killed. */
const FROZEN_SHARE_OF_GRACE = 0.5;

export const CHANGES = {
  drain: {
    doc: "a cell is drained",
    perform: (stage) => move(stage, "drain"),
  },
  activate: {
    doc: "a drained cell is activated",
    prepare: (stage) => move(stage, "drain"),
    perform: (stage) => move(stage, "activate"),
  },
  add: {
    doc: "a third cell joins when workers with its name start",
    perform: add,
  },
  turnaround: {
    doc: "a cell is drained, and activated again while that is under way",
    perform: turnAround,
  },
  "kill-cell": {
    doc: "all processes of a cell are killed, and stay away until it was given up",
    perform: (stage) => killCell(stage),
    afterwards: bringBack,
    awaitsGrace: true,
  },
  "freeze-cell": {
    doc: "all processes of a cell stand still, are killed after a while, and stay away until it was given up",
    perform: freezeAndKillCell,
    afterwards: bringBack,
    awaitsGrace: true,
  },
  gateway: {
    doc: "a gateway is drained, then stopped and started again",
    perform: drainGateway,
  },
  "gateway-stop": {
    doc: "a gateway is stopped without having been drained, and started again",
    perform: async (stage) => {
      const gateway = stage.cluster.process(stage.gateways.at(-1)!);
      await stage.end(gateway, "SIGTERM");
      await gateway.start();
      return {};
    },
    cuts: true,
  },
  "roll-gateways": {
    doc: "the gateways are stopped and started again, one after the other",
    perform: (stage) => roll(stage, "gateway"),
  },
  "roll-workers": {
    doc: "the workers of all cells are stopped and started again, one after the other",
    perform: (stage) => roll(stage, "worker"),
  },
  "roll-services": {
    doc: "the admin process and the one of events and webhooks are stopped and started again",
    perform: (stage) => roll(stage, "admin", "hooks"),
  },
  "roll-brokers": {
    doc: "the NATS and the Redis servers, one of each, are stopped and started again: everybody waits for them",
    perform: (stage) => roll(stage, "nats", "redis"),
    pauses: true,
  },
  storm: {
    doc: "all gateways are killed at once and started again: every client comes back at the same time",
    perform: storm,
    cuts: true,
  },
  "kill-worker-old": {
    doc: "a cell is drained, and the worker that moves its channels is killed in the middle",
    perform: (stage) => drainAndKill(stage, stage.leaderOf(CELL)),
  },
  "kill-worker-new": {
    doc: "a cell is drained, and a worker of the receiving cell is killed in the middle",
    perform: (stage) => drainAndKill(stage, stage.leaderOf(OTHER_CELL)),
  },
  "kill-admin": {
    doc: "a cell is drained, and the admin process is killed in the middle",
    perform: (stage) => drainAndKill(stage, stage.cluster.process("admin")),
  },
  "stall-gateway": {
    doc: "a cell is drained while a gateway stands still and knows nothing of it",
    perform: (stage) => drainAndStall(stage, stage.cluster.process(stage.gateways.at(-1)!)),
    cuts: true,
    emptyMayStartOver: true,
  },
  "stall-worker": {
    doc: "a cell is drained while one of its workers stands still and knows nothing of it",
    perform: (stage) => drainAndStall(stage, stage.followerOf(CELL)),
  },
} satisfies Record<string, Change> as Record<string, Change>;

function took({ startedAt, finishedAt }: Operation): Performed {
  return finishedAt === undefined ? {} : { durationMs: finishedAt - startedAt };
}

async function move(stage: Stage, kind: "drain" | "activate"): Promise<Performed> {
  return took(await stage.follow(await stage.begin(`cells/${CELL}/${kind}`)));
}

async function add(stage: Stage): Promise<Performed> {
  await stage.cluster.addWorkers(NEW_CELL, stage.options.workers);
  const joined = await stage.until(`the operation by which ${NEW_CELL} joins`, async () => {
    const known = await stage.operations.list(100);
    return known.find(({ kind, cell }) => kind === "join" && cell === NEW_CELL);
  });
  return took(await stage.follow(joined.id));
}

async function turnAround(stage: Stage): Promise<Performed> {
  const startedAt = Date.now();
  const interruptedAt = progressOf(await stage.follow(await stage.begin(`cells/${CELL}/drain`), MIDDLE));
  const { finishedAt } = await stage.follow(await stage.begin(`cells/${CELL}/activate`));
  return { interruptedAt, ...(finishedAt !== undefined && { durationMs: finishedAt - startedAt }) };
}

async function drainAndKill(stage: Stage, victim: ClusterProcess): Promise<Performed> {
  const id = await stage.begin(`cells/${CELL}/drain`);
  const interruptedAt = progressOf(await stage.follow(id, MIDDLE));
  await stage.end(victim, "SIGKILL");
  const [operation] = await Promise.all([stage.follow(id), victim.start()]);
  return { interruptedAt, ...took(operation) };
}

/** It goes on where it was when all is over. */
async function drainAndStall(stage: Stage, sleeper: ClusterProcess): Promise<Performed> {
  sleeper.kill("SIGSTOP");
  try {
    return took(await stage.follow(await stage.begin(`cells/${CELL}/drain`)));
  } finally {
    sleeper.kill("SIGCONT");
  }
}

/** With its brokers, where it has some of its own: then its log is lost until it is back. */
async function killCell(stage: Stage, id = firstActive(stage)): Promise<Performed> {
  const startedAt = performance.now();
  await Promise.all(stage.processesOf(id).map((process) => stage.end(process, "SIGKILL")));
  const within = stage.options.graceMs + PROCESS_DEADLINE_MS;
  await stage.until(`${id} to be given up`, () => (stateOf(stage, id) === "down" ? true : undefined), within);
  const awayMs = performance.now() - startedAt;
  return { awayMs, ...(stage.options.isolated && { lostCell: id }) };
}

/** Frozen, a cell holds its connections open and answers nobody: half dead is worse than dead. */
async function freezeAndKillCell(stage: Stage): Promise<Performed> {
  const id = firstActive(stage);
  for (const process of stage.processesOf(id)) process.kill("SIGSTOP");
  const frozenMs = stage.options.graceMs * FROZEN_SHARE_OF_GRACE;
  await pause(frozenMs);
  const killed = await killCell(stage, id);
  return { ...killed, awayMs: frozenMs + killed.awayMs! };
}

/** Cells that were given up run again, and let go of what is at home elsewhere. */
async function bringBack(stage: Stage): Promise<void> {
  for (const { id, state } of stage.directory.current.cells) {
    if (state !== "down") continue;
    const processes = stage.processesOf(id);
    const [workers, brokers] = [
      processes.filter(({ kind }) => kind === "worker"),
      processes.filter(({ kind }) => kind !== "worker"),
    ];
    await Promise.all(brokers.map((broker) => broker.start()));
    await Promise.all(workers.map((worker) => worker.start()));
    await stage.until(`${id} to be back`, () => (stateOf(stage, id) === "drained" ? true : undefined));
  }
}

function firstActive({ directory }: Stage): string {
  return directory.current.cells.find(({ state }) => state === "active")!.id;
}

function stateOf({ directory }: Stage, id: string): string | undefined {
  return directory.current.cells.find((cell) => cell.id === id)?.state;
}

async function storm(stage: Stage): Promise<Performed> {
  const gateways = stage.gateways.map((id) => stage.cluster.process(id));
  await Promise.all(gateways.map((gateway) => stage.end(gateway, "SIGKILL")));
  await Promise.all(gateways.map((gateway) => gateway.start()));
  return {};
}

/** As a supervisor rolls an update out: it waits for each to be ready before the next is asked to end. */
async function roll(stage: Stage, ...kinds: Array<ClusterProcess["kind"]>): Promise<Performed> {
  const all = stage.cluster.processes;
  for (const process of kinds.flatMap((kind) => all.filter((one) => one.kind === kind))) {
    await stage.endWell(process);
    await process.start();
  }
  return {};
}

async function drainGateway(stage: Stage): Promise<Performed> {
  const gateway = stage.cluster.process(stage.gateways[0]!);
  const done = await stage.follow(await stage.begin(`gateways/${gateway.id}/drain`));
  await stage.end(gateway, "SIGTERM");
  await gateway.start();
  return took(done);
}
