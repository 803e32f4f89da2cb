/** What becomes of an operation whose sweep is overtaken: by another leader, by another operation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLogSubject, subjects } from "@plexus/protocol";
import type { Directory, DirectoryStore, Operation, OperationStore } from "@plexus/runtime";
import { deferred, silent, until } from "@plexus/runtime/testing";
import type { ChannelLog } from "./log.js";
import { Mover } from "./mover.js";

const FROM = "eu-1";
const TO = "us-1";
const CHANNELS = ["chat.a", "chat.b"];

function running(id: string): Operation {
  return { id, kind: "drain", cell: FROM, state: "running", version: 1, startedAt: 1, progress: {} };
}

/** One cell that is drained into another, with everything but its movers in memory. */
class World {
  readonly sealed = new Set<string>();
  readonly operations = new Map<string, Operation>();
  current: Directory;
  /** Changes of operations so far, also those that changed nothing. */
  changes = 0;
  readonly #movers: Mover[] = [];
  readonly #listed = { [FROM]: "draining", [TO]: "active" } as const;

  constructor() {
    this.current = this.#directory(1, "first");
    this.operations.set("first", running("first"));
  }

  /** Another operation, which wants the same of this cell. */
  replace(id: string): void {
    const [replaced] = this.operations.values();
    this.operations.set(id, running(id));
    this.current = this.#directory(this.current.version + 1, id);
    this.operations.set(replaced!.id, { ...replaced!, state: "superseded" });
  }

  begin(context: { open(channel: string): Promise<void>; isLeader?: () => boolean; parkAfterMs?: number }) {
    const mover = new Mover({
      cell: FROM,
      directory: this.#store(),
      operations: this.#operationStore(),
      log: this.#log(
        () => CHANNELS,
        FROM,
        (channel) => this.sealed.has(channel),
      ),
      logOf: async () =>
        this.#log(
          () => [...this.sealed],
          TO,
          () => false,
        ),
      logger: silent,
      mirror: null,
      parkAfterMs: context.parkAfterMs ?? 60_000,
      options: { movesPerSecond: 10_000, concurrentMoves: 2 },
      isLeader: context.isLeader ?? (() => true),
      open: (_, channel) => context.open(channel),
      seal: async () => undefined,
    });
    this.#movers.push(mover);
  }

  /** The other cell has given away what it had. */
  otherIsDone(id: string): void {
    const operation = this.operations.get(id)!;
    const part = { moved: 0, total: 0, done: true };
    this.operations.set(id, { ...operation, progress: { ...operation.progress, [TO]: part } });
  }

  stop(): void {
    for (const mover of this.#movers) mover.stop();
  }

  part(id: string) {
    return this.operations.get(id)?.progress[FROM];
  }

  #directory(version: number, operation: string): Directory {
    const cells = ([FROM, TO] as const).map((id) => ({
      id,
      region: "r",
      weight: 1,
      state: this.#listed[id]!,
    }));
    const before = cells.map((cell) => ({ ...cell, state: "active" as const }));
    return { version, cells, operation, previous: [{ cells: before }] };
  }

  #store(): DirectoryStore {
    const world = this;
    const store = {
      get current() {
        return world.current;
      },
      change: async (change: (directory: Directory) => Directory) => {
        world.current = change(world.current);
        return world.current;
      },
    };
    return store as unknown as DirectoryStore;
  }

  #operationStore(): OperationStore {
    const store = {
      get: async (id: string) => this.operations.get(id) ?? null,
      list: async () => [...this.operations.values()],
      change: async (id: string, change: (operation: Operation) => Operation) => {
        this.changes++;
        const changed = change(this.operations.get(id)!);
        this.operations.set(id, changed);
        return changed;
      },
    };
    return store as unknown as OperationStore;
  }

  #log(channels: () => string[], cell: string, isSeal: (channel: string) => boolean): ChannelLog {
    const log = {
      newest: async (tell: (subject: string, isSeal: boolean) => void) => {
        for (const channel of channels()) tell(subjects.log(cell, "acme", channel), isSeal(channel));
      },
      last: async (subject: string) => {
        const sealed = this.sealed.has(parseLogSubject(subject)!.channel);
        return { head: { op: sealed ? "seal" : "msg" } };
      },
    };
    return log as unknown as ChannelLog;
  }
}

test("a move that outlives its leader's sweep does not take back what the next one has done", async (t) => {
  const world = new World();
  t.after(() => world.stop());
  const late = deferred();
  let leader = 1;
  let asked = 0;
  world.begin({
    isLeader: () => leader === 1,
    open: async (channel) => {
      asked++;
      world.sealed.add(channel);
      if (channel === CHANNELS[1]) await late.promise;
    },
  });
  await until("both to be asked for", () => asked === 2);
  leader = 2;
  world.begin({ isLeader: () => leader === 2, open: async () => undefined });
  await until("the next one to be done", () => world.part("first")?.done);
  const done = world.part("first");
  const before = world.changes;
  late.resolve();
  await until("the late one to be written down", () => world.changes > before);
  world.otherIsDone("first");
  await until("the operation to end", () => world.operations.get("first")?.state === "done");
  assert.deepEqual(world.part("first"), done);
});

test("a new operation has all of the patience, and nothing of the trouble of the one that it replaces", async (t) => {
  const world = new World();
  t.after(() => world.stop());
  let asked = 0;
  let heals = false;
  const turn = deferred();
  world.begin({
    parkAfterMs: 1,
    open: async (channel) => {
      if (heals) return void world.sealed.add(channel);
      // The second pass is the one in which patience ends.
      if (asked++ >= CHANNELS.length) await turn.promise;
      throw new Error("the other side does not answer");
    },
  });
  await until("the second pass", () => asked === 2 * CHANNELS.length);
  assert.match(world.operations.get("first")?.error ?? "", /does not answer/);
  world.replace("second");
  heals = true;
  turn.resolve();
  world.otherIsDone("second");
  await until("the second to end", () => world.operations.get("second")?.state === "done");
  assert.deepEqual(world.part("second"), { moved: 2, total: 2, done: true });
  assert.equal(world.operations.get("second")?.error, undefined);
  assert.equal(world.operations.get("first")?.state, "superseded");
});
