/** The opening handshake and its variants (RFC 6455, section 4.2), which Autobahn leaves to its own client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { get } from "../harness/http.js";
import { each, type WireCase } from "./wire-case.js";
import { acceptOf, WireSocket } from "./wire-socket.js";

/** The example of section 1.2. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const HEADERS = {
  Host: "gateway.example",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": KEY,
};
type Changes = Record<string, string | string[] | null>;

const REQUEST_LINE = "GET /v1/connect HTTP/1.1";

/** An upgrade with other headers than usual: null takes one away, a list gives several of that name. */
export function upgradeRequest(changes: Changes = {}, line = REQUEST_LINE): string {
  const headers = Object.entries<string | string[] | null>({ ...HEADERS, ...changes }).flatMap(
    ([name, value]) => (value === null ? [] : [value].flat().map((each) => `${name}: ${each}\r\n`)),
  );
  return `${line}\r\n${headers.join("")}\r\n`;
}

const many = (count: number): Changes =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-Header-${i}`, "x"]));

export function upgradeCases({ url }: WireCase): void {
  async function answered(request: string, segment = Number.POSITIVE_INFINITY): Promise<WireSocket> {
    const wire = await WireSocket.connect(url());
    await wire.chop(Buffer.from(request, "latin1"), segment);
    await wire.answer();
    return wire;
  }

  async function assertStatus(request: string, status: number, what: string): Promise<WireSocket> {
    const wire = await answered(request);
    assert.match(wire.head, new RegExp(`^HTTP/1.1 ${status} `), what);
    wire.cut();
    return wire;
  }

  test("the example of section 1.2: 101 with that key's answer, whole or octet by octet", async () => {
    assert.equal(acceptOf(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for (const segment of [Number.POSITIVE_INFINITY, 1]) {
      const wire = await answered(upgradeRequest(), segment);
      assert.match(wire.head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
      assert.equal(wire.header("sec-websocket-accept"), acceptOf(KEY));
      assert.equal(wire.header("upgrade")?.toLowerCase(), "websocket");
      assert.equal(wire.header("connection")?.toLowerCase(), "upgrade");
      assert.equal(wire.header("sec-websocket-protocol"), undefined, "none was offered");
      wire.cut();
    }
  });

  const ACCEPTED: Record<string, [Changes, string?]> = {
    "names of headers in lower case": [
      { Upgrade: null, upgrade: "WebSocket", Connection: null, connection: "UPGRADE" },
    ],
    "a connection that is kept alive too": [{ Connection: "keep-alive, Upgrade" }],
    "a query": [{}, "GET /v1/connect?a=1&b=%00 HTTP/1.1"],
    "forty headers": [many(40)],
    "an extension, which is not agreed to": [
      { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits, x-unknown" },
    ],
    "an origin, whichever": [{ Origin: "https://somewhere.example" }],
  };
  for (const [what, [changes, line]] of Object.entries(ACCEPTED))
    test(`taken: ${what}`, async () => {
      const wire = await assertStatus(upgradeRequest(changes, line), 101, what);
      assert.equal(wire.header("sec-websocket-extensions"), undefined);
    });

  test("subprotocols: the first one known, in the client's order; unknown ones alone are refused", async () => {
    const offers: Array<[string, string | undefined]> = [
      ["plexus.v1.json", "plexus.v1.json"],
      ["plexus.v1.msgpack, plexus.v1.json", "plexus.v1.msgpack"],
      ["chat,plexus.v1.json,plexus.v1.msgpack", "plexus.v1.json"],
      ["", undefined],
    ];
    for (const [offered, taken] of offers) {
      const wire = await assertStatus(upgradeRequest({ "Sec-WebSocket-Protocol": offered }), 101, offered);
      assert.equal(wire.header("sec-websocket-protocol"), taken);
    }
    for (const offered of ["chat", "PLEXUS.V1.JSON", "plexus.v1.json2", "plexus.v1.json;q=1"]) {
      const { head } = await assertStatus(
        upgradeRequest({ "Sec-WebSocket-Protocol": offered }),
        400,
        offered,
      );
      assert.doesNotMatch(head, /retry-after/i, "it would be refused again");
    }
    // Several headers count as one (11.3.4); uWebSockets shows the first only.
    await assertStatus(
      upgradeRequest({ "Sec-WebSocket-Protocol": ["chat", "plexus.v1.json"] }),
      400,
      "two headers",
    );
  });

  test("another version than 13, or none: 426 with the version that there is (section 4.2.2)", async () => {
    for (const version of ["0", "8", "12", "14", "13.0", "thirteen", "", null]) {
      const wire = await answered(upgradeRequest({ "Sec-WebSocket-Version": version }));
      assert.match(wire.head, /^HTTP\/1\.1 426 /, `${version}`);
      assert.equal(wire.header("sec-websocket-version"), "13");
      wire.cut();
    }
  });

  test("no wish to upgrade to WebSocket: 426 as well (section 4.2.1)", async () => {
    for (const changes of [{ Upgrade: null }, { Upgrade: "h2c" }, { Upgrade: "" }])
      for (const key of [KEY, null]) {
        const request = upgradeRequest({ "Sec-WebSocket-Key": key, ...changes });
        const wire = await assertStatus(request, 426, JSON.stringify(changes));
        assert.equal(wire.header("upgrade"), "websocket");
        assert.equal(wire.header("connection"), "upgrade");
        assert.equal(wire.header("sec-websocket-version"), "13");
      }
    // Whether Connection names the upgrade is not looked at: some proxies rewrite it.
    await assertStatus(upgradeRequest({ Connection: "close" }), 101, "Connection");
  });

  test("a plain GET, as curl sends it: 426 with words for a person", async () => {
    const answer = await get(url().replace("ws", "http"));
    assert.equal(answer.status, 426);
    assert.match(answer.type, /^text\/plain/);
    assert.match(answer.body, /WebSocket client/);
  });

  test("a key that is none is no upgrade: 400 (section 4.2.2)", async () => {
    for (const key of [null, "", "short", `${KEY}${KEY}`])
      await assertStatus(upgradeRequest({ "Sec-WebSocket-Key": key }), 400, `${key}`);
    // 24 characters that are no base64 are hashed as they are.
    await assertStatus(upgradeRequest({ "Sec-WebSocket-Key": "!".repeat(24) }), 101, "no base64");
  });

  test("another method, path or version of HTTP", async () => {
    const lines: Array<[string, number]> = [
      ["POST /v1/connect HTTP/1.1", 404],
      ["HEAD /v1/connect HTTP/1.1", 404],
      ["CONNECT /v1/connect HTTP/1.1", 404],
      ["GET /v1/connect/ HTTP/1.1", 404],
      ["GET /v1/other HTTP/1.1", 404],
      ["GET /V1/CONNECT HTTP/1.1", 404],
      ["GET /v1/connect HTTP/1.0", 505],
      ["GET /v1/connect HTTP/2.0", 505],
      // Allowed to proxies by RFC 9112, section 3.2.2; uWebSockets wants a path.
      ["GET http://gateway.example/v1/connect HTTP/1.1", 505],
    ];
    await each(lines, ([line, status]) => assertStatus(upgradeRequest({}, line), status, line));
  });

  test("headers that no one should send, or too many of them", async () => {
    const refused: Array<[string, Changes, number]> = [
      ["no Host", { Host: null }, 400],
      ["a zero byte", { "X-Zero": "a\0b" }, 400],
      ["two lengths of a body", { "Content-Length": "5", "Transfer-Encoding": "chunked" }, 400],
      ["a hundred headers", many(100), 431],
      ["five hundred headers", many(500), 431],
      ["a header of 5 KB", { "X-Long": "x".repeat(5_000) }, 431],
    ];
    for (const [what, changes, status] of refused) {
      const wire = await assertStatus(upgradeRequest(changes), status, what);
      await wire.end(what);
    }
    // Of a megabyte the answer may be lost, as the connection is cut while more is coming.
    const flood = await answered(upgradeRequest({ "X-Long": "x".repeat(1_000_000) }));
    await flood.end("a header of a megabyte");
    await assertStatus("GET /v1/connect HTTP/1.1\r\nHost: x\r\nno colon here\r\n\r\n", 400, "no colon");
    await assertStatus(upgradeRequest().replaceAll("\r\n", "\n"), 505, "lines without CR");
  });
}
