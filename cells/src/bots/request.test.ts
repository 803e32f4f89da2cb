/** What a bot's request may be, and where its answer may go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isBotReply, PlexusError, parseBotSubject } from "@plexus/protocol";
import { OpenRequests } from "./open-requests.js";
import { MAX_REQUEST_BYTES, parseBotRequest } from "./request.js";

const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const parse = (operation: Parameters<typeof parseBotRequest>[0], body: unknown) =>
  parseBotRequest(operation, "chat.lobby", bytes(body));
const refuses = (code: string) => (error: unknown) => error instanceof PlexusError && error.code === code;

test("fields are checked and nothing else is taken over", () => {
  assert.deepEqual(parse("publish", { data: 1, mid: "m", ch: "chat.other", op: "auth", x: 1 }), {
    operation: "publish",
    data: 1,
    mid: "m",
  });
  assert.deepEqual(parse("history", { after: 0, limit: 5, id: "no" }), {
    operation: "history",
    after: 0,
    limit: 5,
  });
  assert.deepEqual(parse("presence", ""), { operation: "presence" });
  assert.deepEqual(parse("join", { state: { a: [null] } }), { operation: "join", state: { a: [null] } });
  assert.deepEqual(parse("join", ""), { operation: "join", state: null });
  assert.deepEqual(parse("position", {}), { operation: "position" });
  assert.deepEqual(parse("position", { epoch: "e", seq: 0 }), {
    operation: "position",
    store: { epoch: "e", seq: 0 },
  });
});

test("what makes no sense is refused", () => {
  const malformed: Array<[Parameters<typeof parseBotRequest>[0], unknown]> = [
    ["publish", ""],
    ["publish", "null"],
    ["publish", "[1]"],
    ["publish", "{"],
    ["publish", { data: 1, mid: "x".repeat(129) }],
    ["history", { after: -1 }],
    ["presence", { after: 3 }],
    ["position", { seq: 1 }],
    ["position", { epoch: "", seq: 1 }],
  ];
  for (const [operation, body] of malformed)
    assert.throws(
      () => parse(operation, body),
      refuses("bad_request"),
      `${operation} ${JSON.stringify(body)}`,
    );
  const latin1 = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
  assert.throws(() => parseBotRequest("leave", "a", latin1), refuses("bad_request"));
  const large = Buffer.alloc(MAX_REQUEST_BYTES + 1, " ");
  assert.throws(() => parseBotRequest("leave", "a", large), refuses("too_large"));
});

test("a subject names tenant, bot, operation and channel, or says what is wrong", () => {
  assert.deepEqual(parseBotSubject("bot.demo.helper.publish.chat.lobby"), {
    tenant: "demo",
    bot: "helper",
    operation: "publish",
    channel: "chat.lobby",
  });
  for (const wrong of [
    "bot.demo.helper.publish",
    "bot.Demo.helper.publish.a",
    "bot.demo.h*.publish.a",
    "bot.demo.helper.toString.a",
    "bot.demo.helper.publish.a.",
  ])
    assert.equal(typeof parseBotSubject(wrong), "string", wrong);
});

test("answers go to the bot's own inbox, or to one that nobody can guess", () => {
  const to = (reply: string) => isBotReply(reply, "demo", "helper");
  for (const reply of ["_INBOX.demo.helper.a", "_INBOX.demo.helper.a.b", "_INBOX.4XN8", "_INBOX.4XN8.77"])
    assert.ok(to(reply), reply);
  for (const reply of [
    "_INBOX",
    "_INBOX.",
    "_INBOX.>",
    "_INBOX.*.a",
    "_INBOX.demo.other.a",
    "_INBOX.demo.helper2.a",
    "_INBOX.other.helper.a",
    "_INBOX.demo.helper..a",
    "_INBOX.demo.helper.>",
    "_INBOXES.a",
    "evt.demo.chat.lobby",
    "$JS.API.STREAM.DELETE.LOG_eu-1",
    "bot.demo.helper.publish.chat.lobby",
  ])
    assert.ok(!to(reply), reply);
});

test("so many requests of a bot, so many of all", () => {
  const open = new OpenRequests({ perBot: 2, total: 3 });
  assert.deepEqual([open.begin("a"), open.begin("a"), open.begin("a")], [true, true, false]);
  assert.deepEqual([open.begin("b"), open.begin("b")], [true, false]);
  open.end("a");
  assert.deepEqual([open.begin("b"), open.begin("c")], [true, false]);
  for (const bot of ["a", "b", "b"]) open.end(bot);
  assert.equal(open.total, 0);
});
