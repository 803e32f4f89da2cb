/** From a profile to a picture of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CpuProfile, flameOf, type ProfileNode } from "./flame.js";

function node(id: number, name: string, url: string, hitCount: number, children: number[] = []): ProfileNode {
  return { id, callFrame: { functionName: name, url }, hitCount, children };
}

const profile: CpuProfile = {
  nodes: [
    node(1, "(root)", "", 0, [2, 3, 4, 7]),
    node(2, "(idle)", "", 900),
    node(3, "(garbage collector)", "", 25),
    node(4, "receive", "file:///home/me/plexus/gateway/dist/session.js", 25, [5, 6]),
    node(5, "publish", "file:///home/me/plexus/node_modules/@nats-io/nats-core/lib/protocol.js", 30),
    node(6, "a<b", "file:///home/me/plexus/gateway/dist/session.js", 15),
    // The same function again, from the same place.
    node(7, "receive", "file:///home/me/plexus/gateway/dist/session.js", 5),
  ],
};

test("a function is as wide as its part of what ran; time without work is left out", () => {
  const svg = flameOf(profile, "gateway");
  assert.match(svg, /gateway: 100 samples/);
  assert.match(svg, /class="engine" x="0.0" y="30" width="1200.0"/);
  assert.match(svg, /class="own"[^>]*width="900.0"[^>]*><title>receive session.js: 75.0 %/);
  assert.match(svg, /class="library"[^>]*width="360.0"[^>]*><title>publish @nats-io\/nats-core: 30.0 %/);
  assert.match(svg, /class="engine"[^>]*width="300.0"[^>]*><title>\(garbage collector\): 25.0 %/);
  assert.doesNotMatch(svg, /idle/);
});

test("names are text, and say nothing of where the project lies", () => {
  const svg = flameOf(profile, 'a "title"');
  assert.match(svg, /a&lt;b session.js/);
  assert.match(svg, /a &quot;title&quot;/);
  assert.doesNotMatch(svg, /home/);
});

test("what is too narrow to be seen is left out, and an empty profile is a picture too", () => {
  const many = Array.from({ length: 2_000 }, (_, i) => node(i + 2, `f${i}`, "", 1));
  const svg = flameOf(
    {
      nodes: [
        node(
          1,
          "(root)",
          "",
          0,
          many.map(({ id }) => id),
        ),
        ...many,
      ],
    },
    "many",
  );
  assert.equal(svg.match(/<rect class/g)?.length, 1);
  assert.match(flameOf({ nodes: [] }, "nothing"), /nothing: 0 samples/);
});
