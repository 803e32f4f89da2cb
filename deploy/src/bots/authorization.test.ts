/** What a NATS server is told about bots: their capabilities and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matches, PlexusError } from "@plexus/protocol";
import { brokerAuthorization } from "./authorization.js";
import { newKeyPair } from "./keys.js";
import { covers, overlap, permissionsOf } from "./permissions.js";

const bot = (
  caps: Record<string, Array<"sub" | "pub" | "presence" | "history" | "signal">>,
  name = "helper",
) => ({
  tenant: "demo",
  name,
  caps,
  publicKey: newKeyPair().publicKey,
  createdAt: 1,
});

test("each capability is the subjects of its operations, and those alone", () => {
  const caps = { "chat.>": ["sub", "pub"], news: ["presence", "history", "signal"] } as const;
  assert.deepEqual(permissionsOf(bot({ "chat.>": [...caps["chat.>"]], news: [...caps.news] })), {
    publish: [
      "bot.demo.helper.history.news",
      "bot.demo.helper.join.news",
      "bot.demo.helper.leave.news",
      "bot.demo.helper.position.chat.>",
      "bot.demo.helper.presence.news",
      "bot.demo.helper.publish.chat.>",
      "bot.demo.helper.signal.news",
    ],
    subscribe: ["_INBOX.demo.helper.>", "evt.demo.chat.>"],
    notSubscribe: [],
  });
});

test("what lies deeper than a last * is denied, unless it is allowed as a whole", () => {
  const denied = (...heard: string[]) =>
    permissionsOf(bot(Object.fromEntries(heard.map((pattern) => [pattern, ["sub"]])))).notSubscribe;
  assert.deepEqual(denied("chat.*", "news"), ["evt.demo.chat.*.>"]);
  assert.deepEqual(denied("*"), ["evt.demo.*.>"]);
  assert.deepEqual(denied("chat.*", "chat.>"), []);
  assert.deepEqual(denied("chat.*.room"), []);
  assert.throws(
    () => denied("chat.*", "chat.a.b"),
    (error) => error instanceof PlexusError && error.code === "bad_request",
  );
  // What it may do else there does not matter.
  assert.deepEqual(permissionsOf(bot({ "chat.*": ["sub"], "chat.a.b": ["pub"] })).notSubscribe, [
    "evt.demo.chat.*.>",
  ]);
});

/** All that can be made of these, one to `most` of them. */
function words(tokens: readonly string[], most: number): string[] {
  let longest = [""];
  const all: string[] = [];
  for (let n = 1; n <= most; n++) {
    longest = longest.flatMap((word) => tokens.map((token) => (word === "" ? token : `${word}.${token}`)));
    all.push(...longest);
  }
  return all;
}

test("patterns overlap and cover each other as their channels do", () => {
  const closed = words(["a", "b", "*"], 2);
  const patterns = [...closed, ...closed.map((pattern) => `${pattern}.>`), ">"];
  const channels = words(["a", "b", "c"], 4);
  for (const x of patterns) {
    const inX = channels.filter((channel) => matches(x, channel));
    for (const y of patterns) {
      const inY = channels.filter((channel) => matches(y, channel));
      assert.equal(
        overlap(x, y),
        inX.some((channel) => inY.includes(channel)),
        `${x} overlaps ${y}`,
      );
      assert.equal(
        covers(x, y),
        inY.every((channel) => inX.includes(channel)),
        `${x} covers ${y}`,
      );
    }
  }
  assert.ok(!overlap("a.*", "b.*") && !overlap("a", "a.>") && overlap("*.b", "a.>"));
  assert.ok(covers("a.>", "a.*.>") && covers("*", "a") && !covers("a", "*") && !covers("a.*", "a.>"));
});

test("the same bots make the same text, with no empty list, which would allow everything", () => {
  const [a, b] = [bot({ a: ["signal"] }, "a"), bot({ b: [] }, "b")];
  const text = brokerAuthorization([a, b], { internal: ["UINTERNAL"] });
  assert.equal(brokerAuthorization([b, a], { internal: ["UINTERNAL"] }), text);
  assert.ok(!text.includes("[]") && !text.includes("no_auth_user"));
  assert.match(text, /\{ nkey: "UINTERNAL" \}\n/);
  assert.match(text, new RegExp(`nkey: "${b.publicKey}".*publish: \\{ deny: \\[">"\\] \\}`));
  const open = brokerAuthorization([], { open: true });
  assert.match(open, /^no_auth_user: "plexus"$/m);
  // A server that knows no nkey asks for no signature.
  assert.match(open, /nkey: "U/);
});
