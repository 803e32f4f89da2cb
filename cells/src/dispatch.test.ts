/** Commands on their way to the actors, and those that are not this worker's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCommands, partitionOf, type WireCommand, type WireError } from "@plexus/runtime";
import { dispatch } from "./dispatch.js";

const COMMANDS: WireCommand[] = ["chat.1", "chat.2", "chat.3"].map((channel, i) => [
  i,
  "head",
  "t",
  channel,
  { gateway: "g" },
]);

function dispatched(owns: ((partition: number) => boolean) | null) {
  const handled: string[] = [];
  const refused: Array<[correlation: number, error: WireError | null]> = [];
  const target = {
    actors: { handle: ([, , , channel]: WireCommand) => void handled.push(channel) },
    outbox: {
      answer: ({ correlation }: { correlation: number }, error: WireError | null) =>
        void refused.push([correlation, error]),
    },
    tenants: { admitWork: () => undefined },
  };
  dispatch({ data: encodeCommands(COMMANDS), reply: "ans.g.1" }, target, owns);
  return { handled, refused };
}

test("what came to an owned partition is handled", () => {
  assert.deepEqual(dispatched(null), { handled: ["chat.1", "chat.2", "chat.3"], refused: [] });
});

test("of what came to the worker, only what is in partitions that it owns; the rest moved", () => {
  const mine = partitionOf("t/chat.2");
  const { handled, refused } = dispatched((partition) => partition === mine);
  assert.deepEqual(handled, ["chat.2"]);
  assert.deepEqual(
    refused.map(([correlation, error]) => [correlation, error?.[0]]),
    [
      [0, "moved"],
      [2, "moved"],
    ],
  );
});
