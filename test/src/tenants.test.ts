/**
 * Tenants are apart: whatever clients of two tenants do on channels of the same names, under the same users' names and
 * with the same ids, neither sees or touches anything of the other's.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, SettingsStore } from "@plexus/runtime";
import fc from "fast-check";
import { clusterForFile } from "./harness/cluster.js";
import type { AnyFrame, RawClient, RawFrame } from "./harness/raw-client.js";
import { signToken } from "./harness/tokens.js";
import { until } from "./harness/wait.js";

const RUNS = 12;
/** The word that stands in everything which a tenant's clients say, and its own key. */
const TENANTS = [
  { name: "acme", word: "apple", secret: "the secret of the tenant acme, and of no other" },
  { name: "globex", word: "grape", secret: "the secret of the tenant globex, of no other" },
] as const;
const USERS = ["ada", "bob"];

const cluster = clusterForFile({ workers: 2, gateways: 2 }, async (started) => {
  const store = await SettingsStore.open(await started.nats(), createLogger("test", "test", "fatal"));
  started.beforeStop(() => store.stop());
  for (const { name, secret } of TENANTS) await store.putTenant(name, { keys: [{ secret }] });
  // Both gateways have the keys once each has taken a token of each tenant.
  for (const { name, secret } of TENANTS) {
    const seen = new Set<string>();
    await until("the tenants' keys", async () => {
      const client = await started.open();
      const answer = await client.ask({ op: "hello", token: await signToken(secret, "x", { tenant: name }) });
      if (answer.op === "welcome") seen.add(answer.gateway as string);
      client.cut();
      return seen.size === 2;
    });
  }
});

interface Step {
  tenant: 0 | 1;
  user: 0 | 1;
  channel: number;
  op: (typeof OPS)[number];
  n: number;
  /** Whether the answer is awaited before the next step. */
  waits: boolean;
}

const OPS = [
  ...(["sub", "sub with presence", "sub since the other's position", "sub with rewind", "unsub"] as const),
  ...(["pub", "pub", "pub with the same mid", "history", "presence", "state", "signal"] as const),
  ...(["auth", "auth with the other's token", "auth with a forged token"] as const),
];

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    tenant: fc.constantFrom(0 as const, 1 as const),
    user: fc.constantFrom(0 as const, 1 as const),
    channel: fc.nat(2),
    op: fc.constantFrom(...OPS),
    n: fc.nat(5),
    waits: fc.boolean(),
  }),
  { minLength: 30, maxLength: 80 },
);

/** One tenant in one run: its clients, and what they were told. */
class Side {
  readonly tenant: (typeof TENANTS)[number];
  readonly clients: RawClient[] = [];
  /** The positions of what was published, by channel. */
  readonly stored = new Map<string, Array<{ epoch: string; seq: number }>>();

  constructor(tenant: (typeof TENANTS)[number]) {
    this.tenant = tenant;
  }

  token(user: string, secret: string = this.tenant.secret): Promise<string> {
    return signToken(secret, user, { tenant: this.tenant.name });
  }

  async connect(user: string): Promise<RawClient> {
    const client = await cluster.open();
    await client.hello(await this.token(user));
    this.clients.push(client);
    return client;
  }

  data(n: number): object {
    return { by: this.tenant.word, n };
  }

  async publish(client: RawClient, ch: string, data: object, more: RawFrame = {}): Promise<void> {
    const answer = await client.ask({ op: "pub", ch, data, ...more });
    assert.equal(answer.op, "ok", JSON.stringify(answer));
    if (answer.dup === true) return;
    const { epoch, seq } = answer as unknown as { epoch: string; seq: number };
    this.stored.set(ch, [...(this.stored.get(ch) ?? []), { epoch, seq }]);
  }

  /** All that its clients were sent. */
  frames(): AnyFrame[] {
    return this.clients.flatMap(({ frames }) => frames);
  }
}

async function carryOut(step: Step, own: Side, other: Side, ch: string): Promise<void> {
  const { op, n } = step;
  const client = own.clients[step.user]!;
  const user = USERS[step.user]!;
  const ask = (frame: RawFrame) => client.ask({ ch, ...frame });
  switch (op) {
    case "sub":
      return void (await ask({ op }));
    case "sub with presence":
      return void (await ask({ op: "sub", presence: true }));
    case "sub with rewind":
      return void (await ask({ op: "sub", rewind: 10 }));
    case "sub since the other's position": {
      const since = other.stored.get(ch)?.at(-1) ?? { epoch: "e", seq: n };
      return void (await ask({ op: "sub", since }));
    }
    case "unsub":
    case "presence":
      return void (await ask({ op }));
    case "history":
      return void (await ask({ op, limit: 100 }));
    case "pub":
      return own.publish(client, ch, own.data(n));
    case "pub with the same mid":
      return own.publish(client, ch, own.data(n), { mid: `same-${n}` });
    case "state":
      return void (await ask({ op, data: own.data(n) }));
    case "signal":
      return client.send({ op, ch, data: own.data(n) });
    case "auth":
      return void (await client.ok({ op, token: await own.token(user) }));
    case "auth with the other's token":
      return void (await client.refused({ op: "auth", token: await other.token(user) }, "forbidden"));
    case "auth with a forged token": {
      const token = await other.token(user, own.tenant.secret);
      await client.refused({ op: "auth", token }, "unauthorized");
      const stranger = await cluster.open();
      stranger.send({ op: "hello", id: 1, token });
      await stranger.closedWith(4501, "unauthorized");
      return;
    }
  }
}

/** Has everybody look at everything, so that what leaked has come. */
async function lookAround(side: Side, channels: string[]): Promise<void> {
  const watcher = await side.connect("eve");
  for (const ch of channels) {
    await watcher.ok({ op: "sub", ch, presence: true, rewind: 1_000 });
    await watcher.history(ch, { after: 0, limit: 200 });
    await watcher.presence(ch);
    await side.publish(watcher, ch, side.data(99));
    const { seq } = side.stored.get(ch)!.at(-1)!;
    await until("its own message", () => watcher.channel(ch).received.some((message) => message.seq === seq));
  }
  for (const client of side.clients) await client.settled();
}

function assertApart(own: Side, other: Side): void {
  const conns = new Set(own.clients.map(({ conn }) => conn));
  const foreign = other.clients.map(({ conn }) => JSON.stringify(conn));
  for (const frame of own.frames()) {
    const text = JSON.stringify(frame);
    assert.ok(!text.includes(other.tenant.word), `${own.tenant.name} sees ${text}`);
    assert.ok(!foreign.some((conn) => text.includes(conn)), `${own.tenant.name} sees who is there: ${text}`);
    if (frame.op === "signal") assert.ok(conns.has(frame.conn));
  }
  // Nobody else has stored anything there: its own messages are all that there are.
  for (const [ch, positions] of own.stored)
    assert.deepEqual(
      positions.map(({ seq }) => seq).sort((a, b) => a - b),
      positions.map((_, i) => i + 1),
      `${own.tenant.name}/${ch}`,
    );
}

let run = 0;

test(
  "no operation with one tenant's token shows or touches anything of the other's",
  { timeout: 300_000 },
  () =>
    fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const channels = [1, 2, 3].map((n) => `chat.r${run}.c${n}`);
        run++;
        const sides = [new Side(TENANTS[0]), new Side(TENANTS[1])] as const;
        for (const side of sides) for (const user of USERS) await side.connect(user);
        const underWay: Promise<void>[] = [];
        for (const step of plan) {
          const [own, other] = [sides[step.tenant], sides[step.tenant === 0 ? 1 : 0]];
          const doing = carryOut(step, own, other, channels[step.channel]!);
          if (step.waits) await doing;
          else underWay.push(doing);
        }
        await Promise.all(underWay);
        for (const side of sides) await lookAround(side, channels);
        assertApart(sides[0], sides[1]);
        assertApart(sides[1], sides[0]);
        for (const side of sides) for (const client of side.clients) client.cut();
      }),
      { numRuns: RUNS, endOnFailure: true, includeErrorInReport: true },
    ),
);
