import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthOk, PresenceFrame } from "@plexus/protocol";
import type { AnyFrame } from "../harness/raw-client.js";
import { EVERYTHING } from "../harness/tokens.js";
import { until } from "../harness/wait.js";
import type { ProtocolCase } from "./case.js";

/** Seconds from now of an end that comes soon: gateways allow 5 s for clocks that differ. */
const SOON_S = 0;

export function authenticationCases({ cluster, connect, channel }: ProtocolCase): void {
  test("each action needs its capability; the answer is forbidden", async () => {
    const ch = channel("capabilities");
    const asked: Record<string, Record<string, unknown>> = {
      sub: { op: "sub", ch },
      pub: { op: "pub", ch, data: 1 },
      history: { op: "history", ch },
      presence: { op: "presence", ch },
    };
    for (const [action, frame] of Object.entries(asked)) {
      const others = EVERYTHING.filter((other) => other !== action);
      const without = await connect("ada", { caps: { ">": others } });
      await without.refused(frame, "forbidden");
      const alone = await connect("ada", { caps: { ">": [action] } });
      await alone.ok(frame);
    }
    const noPresence = await connect("ada", { caps: { ">": ["sub"] } });
    await noPresence.refused({ op: "sub", ch, presence: true }, "forbidden");
    noPresence.send({ op: "signal", ch, data: 1 });
    const err = await noPresence.until("the refusal", ({ op, id }) => op === "err" && id === undefined);
    assert.equal(err.code, "forbidden");
  });

  test("patterns: a name, one token, the rest; nothing where there are none", async () => {
    const client = await connect("ada", {
      caps: { "chat.one": ["pub"], "chat.*.room": ["pub"], "news.>": ["pub"], "chat.deny": [] },
    });
    for (const ch of ["chat.one", "chat.x.room", "news.a", "news.a.b.c"]) await client.pub(ch, 1);
    for (const ch of ["chat.two", "chat.one.x", "chat.room", "chat.x.y.room", "news", "chat.deny", "chat"])
      await client.refused({ op: "pub", ch, data: 1 }, "forbidden");
    for (const claims of [{ caps: undefined }, { caps: {} }]) {
      const nobody = await connect("ada", { claims });
      await nobody.refused({ op: "sub", ch: "chat.one" }, "forbidden");
    }
  });

  test("a token that ends in mid-session: token_expired, 4502", async () => {
    const client = await connect("ada", { expiresInS: SOON_S });
    await client.closedWith(4502, "token_expired");
  });

  test("auth brings a new token in time, and the connection stays", async () => {
    const client = await connect("ada", { expiresInS: SOON_S });
    const other = await connect("ada", { expiresInS: SOON_S });
    const ok = (await client.ok({ op: "auth", token: await cluster.token("ada") })) as AuthOk;
    assert.ok(ok.expires > Date.now() + 3_000_000, "expires is the new token's end in milliseconds");
    await other.closedWith(4502, "token_expired");
    const endedAt = Date.now();
    await until("the old token's end", () => Date.now() > endedAt + 1_200);
    await client.settled();
  });

  test("auth with a bad token or another identity is refused, and the old token goes on", async () => {
    const client = await connect("ada");
    await client.refused({ op: "auth", token: "nonsense" }, "unauthorized");
    const expired = await cluster.token("ada", { expiresInS: -60 });
    await client.refused({ op: "auth", token: expired }, "token_expired");
    await client.refused({ op: "auth", token: await cluster.token("bob") }, "forbidden");
    const elsewhere = await cluster.token("ada", { tenant: "other" });
    await client.refused({ op: "auth", token: elsewhere }, "forbidden");
    await client.pub(channel("auth"), 1);
  });

  test("auth with fewer capabilities takes away the subscriptions that they no longer allow", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const [kept, lost] = [channel("kept"), channel("lost")];
    await Promise.all([ada.sub(kept), ada.sub(lost)]);
    await ada.ok({ op: "auth", token: await cluster.token("ada", { caps: { [kept]: ["sub"] } }) });
    const ended = ada.frames.filter(({ op }) => op === "ended") as AnyFrame[];
    assert.deepEqual(
      ended.map(({ ch, code, only }) => [ch, code, only]),
      [[lost, "forbidden", undefined]],
    );
    await bob.pub(lost, "unseen");
    bob.send({ op: "signal", ch: lost, data: "unseen" });
    await bob.pub(kept, "seen");
    await until("the message", () => ada.channel(kept).received.length === 1);
    assert.ok(!JSON.stringify(ada.frames).includes("unseen"));
    await ada.refused({ op: "unsub", ch: lost }, "not_subscribed");
    await ada.refused({ op: "sub", ch: lost }, "forbidden");
    await ada.refused({ op: "pub", ch: kept, data: 1 }, "forbidden");
  });

  test("a capability that is taken away takes what is still under way with it", async () => {
    const ada = await connect("ada");
    const [joining, reading] = [channel("joining"), channel("reading")];
    await ada.pub(reading, "unseen");
    const asked = [
      { op: "sub", ch: joining },
      { op: "sub", ch: channel("member"), presence: true },
      { op: "history", ch: reading },
      { op: "presence", ch: reading },
    ].map((frame) => ({ ...frame, id: ada.nextId() }));
    const auth = ada.nextId();
    const answers = [...asked.map(({ id }) => id), auth].map((id) => ada.reply(id));
    const token = await cluster.token("ada", { caps: { "*.member": ["sub"] } });
    ada.send([...asked, { op: "auth", id: auth, token }]);
    await Promise.all(answers);
    // Whether an answer is faster than the look at the token is left to chance; what comes after that is not.
    const at = ada.frames.findIndex((frame) => frame.op === "ok" && frame.id === auth);
    for (const frame of ada.frames.slice(at + 1) as AnyFrame[])
      assert.equal(frame.code, "forbidden", JSON.stringify(frame));
    const before = ada.frames.slice(0, at) as AnyFrame[];
    const ended = before.filter(({ op }) => op === "ended").map(({ ch }) => ch);
    const begun = before.filter(({ op, ch }) => op === "ok" && ch !== undefined).map(({ ch }) => ch);
    assert.deepEqual(ended.sort(), begun.sort(), "what had begun was ended, and what had not was refused");
    await ada.refused({ op: "unsub", ch: joining }, "not_subscribed");
  });

  test("auth without the presence capability ends membership and presence events", async () => {
    const [ada, bob] = await Promise.all([connect("ada"), connect("bob")]);
    const ch = channel("no-more-presence");
    await ada.sub(ch, { presence: true });
    await bob.sub(ch, { presence: true });
    await until("both members", async () => (await bob.presence(ch)).count === 2);
    await ada.ok({ op: "auth", token: await cluster.token("ada", { caps: { ">": ["sub"] } }) });
    const ended = ada.frames.find(({ op }) => op === "ended") as AnyFrame | undefined;
    assert.deepEqual([ended?.ch, ended?.code, ended?.only], [ch, "forbidden", "presence"]);
    const left = ({ leave }: PresenceFrame) => leave?.some(({ conn }) => conn === ada.conn) === true;
    await bob.until("ada's leave", (frame) => frame.op === "presence" && left(frame as PresenceFrame));
    const from = ada.frames.length;
    await bob.ok({ op: "state", ch, data: "unseen" });
    await bob.until("its own update", (frame) => frame.op === "presence" && "update" in frame);
    await bob.pub(ch, 1);
    await bob.until("the message", ({ op }) => op === "msg");
    await ada.settled();
    assert.ok(!ada.frames.slice(from).some(({ op }) => op === "presence"));
  });
}
