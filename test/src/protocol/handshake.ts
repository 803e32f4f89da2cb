import assert from "node:assert/strict";
import { test } from "node:test";
import type { WelcomeFrame } from "@plexus/protocol";
import { RawClient } from "../harness/raw-client.js";
import type { TokenOptions } from "../harness/tokens.js";
import type { ProtocolCase } from "./case.js";

export function handshakeCases({ cluster, encoding, connect, open, channel }: ProtocolCase): void {
  test("welcome says who, where, and what the bounds are", async () => {
    const client = await open();
    assert.equal(client.protocol, `plexus.v1.${encoding}`);
    client.send({ op: "hello", id: 4711, token: await cluster.token("ada"), somethingNew: { a: 1 } });
    const welcome = (await client.reply(4711)) as unknown as WelcomeFrame;
    const { conn, now, expires, ping, limits, ...rest } = welcome;
    assert.deepEqual(rest, { op: "welcome", id: 4711, v: 1, user: "ada", tenant: "demo", gateway: "g1" });
    assert.match(conn, /^g1-[a-z0-9-]+$/);
    assert.ok(Math.abs(now - Date.now()) < 60_000);
    assert.ok(ping >= 1_000);
    assert.deepEqual(limits, {
      frameBytes: 262_144,
      batch: 100,
      channels: 8,
      rewind: 1_000,
      history: 200,
      inFlight: 50,
    });
  });

  test("two connections have different ids", async () => {
    const [a, b] = await Promise.all([connect("ada"), connect("ada")]);
    assert.notEqual(a.conn, b.conn);
  });

  test("what is sent right behind hello waits for it", async () => {
    const client = await open();
    const ch = channel("pipelined");
    const replies = [1, 2, 3].map((id) => client.reply(id));
    client.send({ op: "hello", id: 1, token: await cluster.token("ada") });
    client.send([
      { op: "sub", id: 2, ch },
      { op: "pub", id: 3, ch, data: "first" },
    ]);
    assert.deepEqual(
      (await Promise.all(replies)).map(({ op }) => op),
      ["welcome", "ok", "ok"],
    );
  });

  test("ping is answered before and after hello", async () => {
    const client = await open();
    await client.settled();
    await client.hello(await cluster.token("ada"));
    await client.settled();
  });

  test("a second hello is refused, and the connection goes on", async () => {
    const client = await connect("ada");
    await client.refused({ op: "hello", token: await cluster.token("bob") }, "bad_request");
    await client.settled();
    assert.equal((await client.pub(channel("second-hello"), 1)).seq, 1);
  });

  test("any other frame first: unauthorized, 4501", async () => {
    const client = await open();
    client.send({ op: "sub", id: 9, ch: "chat.lobby" });
    await client.closedWith(4501, "unauthorized");
    const { code, id } = client.frames[0] as unknown as { code: string; id: number };
    assert.deepEqual([code, id], ["unauthorized", 9]);
  });

  test("no hello in time: 4004, which allows to come back", async () => {
    const client = await open();
    await client.closedWith(4004, "hello_timeout");
    assert.notEqual((client.frames.at(-1) as { reconnect?: unknown }).reconnect, null);
  });

  test("an expired token: token_expired, 4502", async () => {
    const client = await open();
    client.send({ op: "hello", id: 1, token: await cluster.token("ada", { expiresInS: -60 }) });
    await client.closedWith(4502, "token_expired");
    assert.equal((client.frames[0] as { code?: unknown }).code, "token_expired");
    assert.equal((client.frames.at(-1) as { reconnect?: unknown }).reconnect, null);
  });

  const BAD: Record<string, TokenOptions> = {
    "no user": { claims: { sub: undefined } },
    "an empty user": { claims: { sub: "" } },
    "a user of 129 characters": { claims: { sub: "u".repeat(129) } },
    "a user that is no string": { claims: { sub: 7 } },
    "no tenant": { claims: { tenant: undefined } },
    "a tenant that is none": { claims: { tenant: "Not A Tenant" } },
    "no end": { claims: { exp: undefined } },
    "a time in which it is not valid yet": { claims: { nbf: Math.floor(Date.now() / 1_000) + 3_600 } },
    "capabilities that are a list": { claims: { caps: ["chat.>"] } },
    "an unknown capability": { caps: { "chat.>": ["sub", "everything"] } },
    "a pattern that is none": { caps: { "chat.>.more": ["sub"] } },
    "too many patterns": {
      caps: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`chat.c${i}`, ["sub"]])),
    },
  };
  for (const [what, options] of Object.entries(BAD))
    test(`a token with ${what}: unauthorized, 4501`, async () => {
      await assertRefused(await open(), await cluster.token("ada", options));
    });

  test("a token that is none, of another secret, or unsigned: unauthorized, 4501", async () => {
    const [head, body] = (await cluster.token("ada")).split(".");
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${body}.`;
    for (const token of ["nonsense", "a.b.c", `${head}.${body}.${"A".repeat(43)}`, unsigned])
      await assertRefused(await open(), token);
  });

  test("a hello without token, where none came with the address: unauthorized, 4501", async () => {
    const client = await open();
    await client.refused({ op: "hello" }, "unauthorized");
    await client.closedWith(4501, "unauthorized");
  });

  test("a token that is no text, or of absurd length: bad_request", async () => {
    const client = await open();
    await client.refused({ op: "hello", token: 7 }, "bad_request");
    await client.refused({ op: "hello", token: "x".repeat(8_193) }, "bad_request");
    await client.hello(await cluster.token("ada"));
  });

  test("subprotocols: the first that is known; one that is not is refused with 400", async () => {
    const client = await RawClient.open(cluster.url, encoding, ["other", `plexus.v1.${encoding}`]);
    assert.equal(client.protocol, `plexus.v1.${encoding}`);
    client.cut();
    await assert.rejects(RawClient.open(cluster.url, encoding, ["plexus.v2.json"]), /400/);
  });
}

async function assertRefused(client: RawClient, token: string): Promise<void> {
  client.send({ op: "hello", id: 1, token });
  await client.closedWith(4501, "unauthorized");
  const { op, id, code, message } = client.frames[0] as Record<string, unknown>;
  assert.deepEqual([op, id, code], ["err", 1, "unauthorized"]);
  assert.ok(!String(message).includes(token), "an error repeats nothing of the token");
}
