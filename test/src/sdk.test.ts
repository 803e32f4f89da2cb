/** The SDK over real gateways: nothing is missing or twice for the application, whatever happens to its gateway. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Channel, type ChannelMessage, Plexus, type Published } from "@plexus/client";
import { WebSocket } from "ws";
import { clusterForFile } from "./harness/cluster.js";
import { wholeHistory } from "./harness/publisher.js";
import { until, within } from "./harness/wait.js";
import { range } from "./protocol/case.js";

const cluster = clusterForFile({ gateways: 2, workers: 2 });
/** Connections that may land elsewhere before one lands on the gateway asked for. */
const MAX_TRIES = 100;

/** One user of an application: a client, one channel, and what it was handed. */
class Person {
  readonly client: Plexus;
  readonly channel: Channel;
  readonly messages: ChannelMessage[] = [];
  readonly published: Published[] = [];
  readonly states: string[] = [];
  resets = 0;
  #talking = true;

  constructor(client: Plexus, ch: string) {
    this.client = client;
    this.channel = client.channel(ch);
    this.channel.on("message", (message) => this.messages.push(message));
    this.channel.on("reset", () => this.resets++);
    client.on("state", ({ name }) => this.states.push(name));
  }

  get gateway(): string | undefined {
    const { state } = this.client;
    return state.name === "connected" ? state.gateway : undefined;
  }

  /** Publishes numbered messages, several on their way at a time, until told to stop; every one has to succeed. */
  async talk(user: string): Promise<void> {
    let n = 0;
    const voice = async () => {
      while (this.#talking) this.published.push(await this.channel.publish(`${user}#${++n}`));
    };
    await Promise.all([voice(), voice(), voice()]);
  }

  stopTalking(): void {
    this.#talking = false;
  }
}

function newClient(user: string): Plexus {
  const client = new Plexus({
    url: cluster.url,
    token: () => cluster.token(user),
    WebSocket,
    backoffBaseMs: 50,
    backoffMaxMs: 1_000,
  });
  cluster.beforeStop(() => client.close());
  return client;
}

/** A person whose connection is on this gateway. */
async function personOn(gateway: string, user: string, ch: string): Promise<Person> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const client = newClient(user);
    await client.connect();
    const person = new Person(client, ch);
    if (person.gateway === gateway) {
      await person.channel.subscribe({ presence: true });
      return person;
    }
    client.close();
  }
  throw new Error(`no connection landed on ${gateway}`);
}

/** Everybody was handed the whole log, and everything that was published is in it, once. */
async function assertComplete(people: Person[], ch: string): Promise<void> {
  const reader = await cluster.connect("reader");
  const log = await wholeHistory(reader, ch);
  assert.equal(new Set(log.map(({ data }) => data)).size, log.length, "nothing is stored twice");
  for (const { mid, seq } of people.flatMap(({ published }) => published))
    assert.equal(log[seq - 1]?.id, mid, "stored where publish() said");
  for (const person of people) {
    await until("the end of the log", () => person.messages.at(-1)?.seq === log.length);
    assert.deepEqual(
      person.messages.map(({ seq }) => seq),
      range(1, log.length),
    );
    assert.deepEqual(
      person.messages.map(({ data }) => data),
      log.map(({ data }) => data),
    );
    assert.equal(person.resets, 0);
  }
}

const spoken = (people: Person[]) => people.reduce((sum, { published }) => sum + published.length, 0);

test("two people talk, see each other, and what they signal", async () => {
  const ch = "chat.sdk";
  const [ada, bob] = [await personOn("g1", "ada", ch), await personOn("g2", "bob", ch)];
  const typing = new Promise((resolve) =>
    bob.channel.on("signal", ({ user, data }) => resolve([user, data])),
  );
  for (const { channel } of [ada, bob]) {
    await until("both to be there", () => channel.presence.users().size === 2);
    assert.deepEqual([...channel.presence.users().keys()].sort(), ["ada", "bob"]);
  }
  ada.channel.signal({ typing: true });
  assert.deepEqual(await within("the signal", typing), ["ada", { typing: true }]);
  for (let i = 1; i <= 10; i++) {
    ada.published.push(await ada.channel.publish(`ada#${i}`));
    bob.published.push(await bob.channel.publish(`bob#${i}`));
  }
  await ada.channel.setState({ mood: "fine" });
  await until("the state", () => {
    const member = bob.channel.presence.members().find(({ user }) => user === "ada");
    return (member?.state as { mood?: string } | null)?.mood === "fine";
  });
  await assertComplete([ada, bob], ch);
  ada.client.close();
  await until("ada to leave", () => bob.channel.presence.users().size === 1);
  bob.client.close();
});

for (const [what, signal] of [
  ["is killed", "SIGKILL"],
  ["is asked to stop", "SIGTERM"],
] as const)
  test(`a gateway ${what} in mid-conversation`, async () => {
    const ch = `chat.sdk-${signal.toLowerCase()}`;
    const people = [await personOn("g1", "ada", ch), await personOn("g2", "bob", ch)];
    const [ada, bob] = people as [Person, Person];
    const talking = Promise.all([ada.talk("ada"), bob.talk("bob")]);
    await until("a conversation", () => spoken(people) > 100);
    const restarted = new Promise((resolve) => cluster.cluster.events.once("restart", resolve));
    const { pid } = cluster.process("g1");
    ada.states.length = 0;
    cluster.process("g1").kill(signal);
    await cluster.process("g1").exited;
    const said = ada.published.length;
    await until("ada to go on", () => ada.published.length > said + 50);
    await within("the restart", restarted);
    assert.notEqual(cluster.process("g1").pid, pid);
    for (const person of people) person.stopTalking();
    await talking;
    await Promise.all(people.map(({ client }) => client.flush()));
    await assertComplete(people, ch);
    // Told in time, a client changes over before it leaves, and the application sees no interruption.
    if (signal === "SIGTERM") assert.ok(!ada.states.includes("reconnecting"), ada.states.join());
    await until("both to be members again", () => {
      return people.every(
        ({ channel }) => channel.presence.users().size === 2 && channel.presence.count === 2,
      );
    });
    for (const { client } of people) client.close();
  });
