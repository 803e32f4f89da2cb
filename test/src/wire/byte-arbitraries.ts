/** What lies below messages: WebSocket frames that are not right, and requests that are no upgrade. */
import fc from "fast-check";
import { closing, type FrameShape, frame, OPCODE } from "./frames.js";
import { upgradeRequest } from "./upgrade.js";

/** Bytes, and in how many octets at a time they are sent. */
export interface Stream {
  readonly parts: Buffer[];
  readonly segment: number;
}

const segment = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 40 }));
const payload: fc.Arbitrary<Uint8Array | string> = fc.oneof(
  fc.constantFrom('{"op":"ping"}', '{"op":"unsub","id":1,"ch":"chat.none"}', "[", "]", '{"op":', ""),
  fc.uint8Array({ maxLength: 130 }),
  fc.integer({ min: 0, max: 0xffff }).map((code) => closing(code, "bye")),
);

/** Three frames of four are right, so that something comes before what is wrong. */
const shape: fc.Arbitrary<FrameShape> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      opcode: fc.constantFrom(OPCODE.ping, OPCODE.pong),
      payload: fc.uint8Array({ maxLength: 125 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      opcode: fc.constantFrom(OPCODE.text, OPCODE.continuation),
      payload,
      fin: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        opcode: fc.nat(15),
        payload,
        fin: fc.boolean(),
        rsv: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(7)),
        mask: fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 })),
        declared: fc.option(
          fc.oneof(fc.bigInt({ min: 0n, max: 200n }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
          {
            nil: undefined,
          },
        ),
      })
      .map(({ declared, ...rest }) => (declared === undefined ? rest : { ...rest, declared })),
  },
);

export const frameStreams: fc.Arbitrary<Stream> = fc.record({
  parts: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: shape.map(frame) },
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    ),
    { minLength: 1, maxLength: 20, size: "max" },
  ),
  segment,
});

const headerName = fc.oneof(
  fc.constantFrom(
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
  ),
  fc.constantFrom("Content-Length", "Transfer-Encoding", "Expect", "Cookie", "__proto__", "constructor"),
  fc.string({ minLength: 1, maxLength: 10 }),
);
const headerValue = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "",
    "0",
    "-1",
    "99999999999999999999",
    "chunked",
    "100-continue",
    "websocket",
    "13",
    "plexus.v1.json",
  ),
  fc.integer({ min: 1, max: 20_000 }).map((length) => "x".repeat(length)),
);
const line = fc.oneof(
  { weight: 5, arbitrary: fc.constant("GET /v1/connect HTTP/1.1") },
  fc.constantFrom(
    "GET  /v1/connect HTTP/1.1",
    "get /v1/connect HTTP/1.1",
    "GET /v1/connect HTTP/9.9",
    "GET / HTTP/1.1",
    "\u0000",
  ),
  fc.string().map((text) => `GET /${text} HTTP/1.1`),
  fc.integer({ min: 1, max: 20_000 }).map((length) => `GET /${"x".repeat(length)} HTTP/1.1`),
);

export const upgrades: fc.Arbitrary<Stream> = fc
  .record({
    line,
    headers: fc.dictionary(headerName, fc.oneof(headerValue, fc.constant(null)), { maxKeys: 4 }),
    more: fc.nat(120),
    cut: fc.option(fc.nat(400), { nil: undefined }),
    noise: fc.option(fc.record({ at: fc.nat(300), bytes: fc.uint8Array({ maxLength: 8 }) })),
    segment,
  })
  .map(({ line, headers, more, cut, noise, segment }) => {
    const many = Object.fromEntries(Array.from({ length: more > 100 ? more : 0 }, (_, i) => [`X-${i}`, "x"]));
    const request = Buffer.from(upgradeRequest({ ...headers, ...many }, line), "latin1").subarray(0, cut);
    const at = (noise?.at ?? 0) % (request.length + 1);
    const parts =
      noise === null ? [request] : [request.subarray(0, at), Buffer.from(noise.bytes), request.subarray(at)];
    // A long request, byte by byte, is what the slow handshakes are for.
    return { parts, segment: request.length > 1_000 ? Number.POSITIVE_INFINITY : segment };
  });
