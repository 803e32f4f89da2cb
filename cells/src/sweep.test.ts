/** A sweep over logs in memory: what it asks for, what it waits for, and when it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeControl, encodeRecord, joinFragments, messageFragment, subjects } from "@plexus/protocol";
import { type Directory, homeOf } from "@plexus/runtime";
import { silent, until } from "@plexus/runtime/testing";
import { dueAfterMs, Sweep } from "./sweep.js";
import { MemoryLog } from "./testing/memory-log.js";

const TENANT = "acme";
const FROM = "eu-1";
const TO = "us-1";
const DRAINING: Directory = {
  version: 2,
  cells: [
    { id: FROM, region: "eu", state: "draining", weight: 1 },
    { id: TO, region: "us", state: "active", weight: 1 },
  ],
};

class Cells {
  readonly logs = new Map([FROM, TO].map((id) => [id, new MemoryLog()]));
  readonly opened: string[] = [];
  readonly sealedByForce: string[] = [];
  /** What an operator is told. */
  readonly troubles: Array<string | null> = [];
  directory = DRAINING;
  over = false;
  keepsHomeless = false;
  patience = 20;
  /** What the new home does when it is asked for a channel; as it should, by default. */
  whenOpened: (channel: string) => void = (channel) => {
    this.seal(channel);
    this.open(channel);
  };

  write(cell: string, channel: string): void {
    const fragment = messageFragment("id", '"u"', '"c"', "1");
    this.#put(cell, channel, encodeRecord(channel, "e", 1, [joinFragments([fragment])], 1));
  }

  seal(channel: string): void {
    const record = { op: "seal", ch: channel, epoch: "e", seq: 2, n: 0, to: TO } as const;
    this.#put(FROM, channel, encodeControl({ ...record, fresh: false, segments: [] }));
  }

  open(channel: string): void {
    const record = { op: "open", ch: channel, epoch: "e", seq: 2, n: 0, from: FROM } as const;
    this.#put(TO, channel, encodeControl({ ...record, segments: [] }));
  }

  run(): Promise<boolean> {
    return new Sweep({
      cell: FROM,
      log: this.logs.get(FROM)!,
      logger: silent,
      options: { movesPerSecond: 1_000_000, concurrentMoves: 4 },
      patience: this.patience,
      keepsHomeless: this.keepsHomeless,
      directory: () => this.directory,
      logOf: async (cell) => this.logs.get(cell)!,
      open: async (_, channel) => {
        this.opened.push(channel);
        this.whenOpened(channel);
      },
      seal: async (_, channel) => {
        this.sealedByForce.push(channel);
        this.seal(channel);
      },
      isOver: () => this.over,
    }).run(
      async () => undefined,
      async (what) => void this.troubles.push(what),
    );
  }

  #put(cell: string, channel: string, bytes: Uint8Array): void {
    this.logs.get(cell)!.put(subjects.log(cell, TENANT, channel), bytes);
  }
}

test("every channel that is at home elsewhere is opened there, once", async () => {
  const cells = new Cells();
  const channels = Array.from({ length: 30 }, (_, i) => `chat.c${i}`);
  for (const channel of channels) cells.write(FROM, channel);
  assert.equal(await cells.run(), true);
  assert.deepEqual(cells.opened.sort(), channels.sort());
});

test("what is at home here stays", async () => {
  const cells = new Cells();
  cells.directory = { ...DRAINING, cells: DRAINING.cells.map((cell) => ({ ...cell, state: "active" })) };
  const channels = Array.from({ length: 30 }, (_, i) => `chat.c${i}`);
  for (const channel of channels) cells.write(FROM, channel);
  assert.equal(await cells.run(), true);
  const moving = channels.filter((channel) => homeOf(cells.directory, TENANT, channel)?.cell === TO);
  assert.ok(moving.length > 0 && moving.length < channels.length);
  assert.deepEqual(cells.opened.sort(), moving.sort());
});

test("a channel that moved by itself is left alone; one that was sealed and never opened is not", async () => {
  const cells = new Cells();
  for (const channel of ["chat.whole", "chat.half"]) {
    cells.write(FROM, channel);
    cells.seal(channel);
  }
  cells.open("chat.whole");
  cells.whenOpened = (channel) => cells.open(channel);
  assert.equal(await cells.run(), true);
  assert.deepEqual(cells.opened, ["chat.half"]);
});

test("a channel that can't be moved yet is tried again until it can", async () => {
  const cells = new Cells();
  cells.write(FROM, "chat.c");
  let refusals = 2;
  const move = cells.whenOpened;
  cells.whenOpened = (channel) => {
    if (refusals-- > 0) throw new Error("nobody serves it at the moment");
    move(channel);
  };
  assert.equal(await cells.run(), true);
  assert.equal(cells.opened.length, 3);
  const words = "channels that can't be moved yet and are tried again: 1, the last one acme/chat.c";
  const said = `${words}: nobody serves it at the moment`;
  assert.deepEqual(cells.troubles, [said, said, null], "an operator sees it, and that it is over");
});

test("what no cell may serve is not left behind, unless it is to stay", async () => {
  const cells = new Cells();
  cells.write(FROM, "chat.c");
  const served = cells.directory;
  const pin = { [TENANT]: { region: "eu", failover: false } };
  cells.directory = { ...served, tenants: pin };
  cells.keepsHomeless = true;
  assert.equal(await cells.run(), true);
  assert.deepEqual([cells.opened, cells.troubles], [[], []]);
  cells.keepsHomeless = false;
  const run = cells.run();
  await until("an operator to be told", () => cells.troubles.length > 0);
  assert.match(cells.troubles[0]!, /acme\/chat\.c: no cell may serve tenant acme now/);
  cells.directory = served;
  assert.equal(await run, true);
  assert.deepEqual(cells.opened, ["chat.c"]);
});

test("a channel that its home serves in a life of its own is sealed in the end", async () => {
  const cells = new Cells();
  cells.patience = 2;
  cells.write(FROM, "chat.c");
  cells.write(TO, "chat.c");
  cells.whenOpened = () => undefined;
  assert.equal(await cells.run(), true);
  assert.deepEqual(cells.sealedByForce, ["chat.c"]);
  assert.equal(cells.opened.length, 3);
});

test("it ends when homes change again, with work left", async () => {
  const cells = new Cells();
  for (let i = 0; i < 30; i++) cells.write(FROM, `chat.c${i}`);
  const move = cells.whenOpened;
  cells.whenOpened = (channel) => {
    move(channel);
    cells.over = cells.opened.length >= 10;
  };
  assert.equal(await cells.run(), false);
  assert.ok(cells.opened.length < 20);
});

test("the pace grows evenly for four seconds, and then stays", () => {
  assert.equal(dueAfterMs(0, 1_000), 0);
  assert.equal(dueAfterMs(500, 1_000), 2_000);
  assert.equal(dueAfterMs(2_000, 1_000), 4_000);
  assert.equal(dueAfterMs(3_000, 1_000), 5_000);
});
