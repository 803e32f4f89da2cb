/** A channel whose slow readers get the latest record only: what a reader sees is the whole, or says what is missing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MsgFrame, Position, ServerFrame } from "@plexus/protocol";
import { Tail } from "@plexus/runtime";
import { type LatestReader, LatestReaders } from "./latest-readers.js";
import { recordOf } from "./testing/model-channel.js";

/** A channel that publishes to those on its topic. */
class Channel {
  readonly key = "t/ticker.a";
  readonly channel = "ticker.a";
  position: Position = { epoch: "e", seq: 10 };
  readonly relay = { tail: new Tail({ maxRecords: 4, maxBytes: 65_536 }) };
  readonly topic = new Set<Reader>();
  readonly latest = new LatestReaders(this);

  publish(n = 1): void {
    const before = this.position;
    const bytes = recordOf(before.epoch, before.seq + 1, n);
    this.relay.tail.push({ seq: before.seq + 1, n, bytes, at: 0 });
    this.position = { ...before, seq: before.seq + n };
    this.latest.spare(before);
    for (const reader of this.topic) reader.sendBytes(bytes);
  }

  add(reader: Reader): Reader {
    reader.joinMessages();
    this.latest.join(reader);
    return reader;
  }
}

class Reader implements LatestReader {
  bufferedBytes = 0;
  readonly seen: string[] = [];
  readonly #channel: Channel;
  #waiting: Array<() => void> = [];

  constructor(channel: Channel) {
    this.#channel = channel;
  }
  async drainedBelow(bytes: number): Promise<void> {
    while (this.bufferedBytes > bytes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
  async drain(): Promise<void> {
    this.bufferedBytes = 0;
    for (const resolve of this.#waiting.splice(0)) resolve();
    await new Promise(setImmediate);
  }
  cork(write: () => void): void {
    write();
  }
  send(frame: ServerFrame): void {
    if (frame.op === "skipped") this.seen.push(`skipped ${frame.seq}+${frame.n}`);
    else if (frame.op === "reset") this.seen.push(`reset ${frame.epoch} ${frame.seq}`);
  }
  sendBytes(json: Uint8Array): void {
    const { seq, n } = JSON.parse(Buffer.from(json).toString()) as MsgFrame;
    this.seen.push(n === 1 ? `${seq}` : `${seq}+${n}`);
  }
  joinMessages(): void {
    this.#channel.topic.add(this);
  }
  leaveMessages(): void {
    this.#channel.topic.delete(this);
  }
}

test("who keeps up gets everything; who does not gets the latest, and is told what it missed", async () => {
  const channel = new Channel();
  const quick = channel.add(new Reader(channel));
  const slow = channel.add(new Reader(channel));
  channel.publish();
  slow.bufferedBytes = 100_000;
  channel.publish();
  channel.publish(2);
  channel.publish();
  assert.deepEqual(slow.seen, ["11"]);
  await slow.drain();
  assert.deepEqual(slow.seen, ["11", "skipped 12+3", "15"]);
  channel.publish();
  assert.deepEqual(slow.seen.at(-1), "16");
  assert.deepEqual(quick.seen, ["11", "12", "13+2", "15", "16"]);
});

test("one record that waited is no gap", async () => {
  const channel = new Channel();
  const slow = channel.add(new Reader(channel));
  slow.bufferedBytes = 100_000;
  channel.publish();
  await slow.drain();
  assert.deepEqual(slow.seen, ["11"]);
});

test("where the latest record is forgotten too, the next one follows on what was left out", async () => {
  const channel = new Channel();
  const slow = channel.add(new Reader(channel));
  slow.bufferedBytes = 100_000;
  channel.publish();
  channel.publish();
  channel.relay.tail.clear();
  await slow.drain();
  channel.publish();
  assert.deepEqual(slow.seen, ["skipped 11+2", "13"]);
});

test("a channel that went on in another epoch meanwhile says so", async () => {
  const channel = new Channel();
  const slow = channel.add(new Reader(channel));
  slow.bufferedBytes = 100_000;
  channel.publish();
  channel.position = { epoch: "f", seq: 0 };
  channel.relay.tail.clear();
  channel.publish();
  await slow.drain();
  assert.deepEqual(slow.seen, ["reset f 0", "1"]);
});

test("who left while behind gets nothing, and is not put back", async () => {
  const channel = new Channel();
  const slow = channel.add(new Reader(channel));
  slow.bufferedBytes = 100_000;
  channel.publish();
  channel.latest.leave(slow);
  await slow.drain();
  channel.publish();
  assert.deepEqual(slow.seen, []);
});

test("who left while behind, came back and fell behind again is told what it missed since then", async () => {
  const channel = new Channel();
  const slow = channel.add(new Reader(channel));
  slow.bufferedBytes = 100_000;
  channel.publish();
  channel.latest.leave(slow);
  slow.leaveMessages();
  channel.publish();
  channel.publish();
  channel.add(slow);
  channel.publish();
  channel.publish();
  await slow.drain();
  assert.deepEqual(slow.seen, ["skipped 14+1", "15"]);
});
