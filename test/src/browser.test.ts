/**
 * Two people with real browsers chat in two rooms over one connection each, while the gateway of one of them is
 * killed: nothing is missing or twice on either screen.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, skip } from "./harness/chromium.js";
import { clusterForFile, type TestCluster } from "./harness/cluster.js";
import { wholeHistory } from "./harness/publisher.js";
import { until, within } from "./harness/wait.js";

const ROOMS = ["chat.lobby", "chat.random"] as const;
/** Pages that may be served by another gateway before one is by the gateway asked for. */
const MAX_TRIES = 50;

const cluster = skip === false ? clusterForFile({ gateways: 2, workers: 2, demo: true }) : undefined;

/** A person in front of a page. */
class Visitor {
  readonly page: Page;
  readonly name: string;
  /** WebSockets that the page opened, and those that are open. */
  opened = 0;
  open = 0;
  /** Errors of the page itself. */
  readonly errors: Error[] = [];

  constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
    page.on("pageerror", (error) => this.errors.push(error));
    page.on("websocket", (socket) => {
      this.opened++;
      this.open++;
      socket.on("close", () => this.open--);
    });
  }

  at(testId: string) {
    return this.page.getByTestId(testId);
  }

  async join(url: string): Promise<void> {
    await this.page.goto(url);
    await this.at("name-input").fill(this.name);
    await this.at("join").click();
    await this.untilConnected();
  }

  async gateway(): Promise<string> {
    return (await this.at("connection-state").getAttribute("data-gateway")) ?? "";
  }

  async untilConnected(): Promise<void> {
    await this.page.locator('[data-testid="connection-state"][data-state="connected"]').waitFor();
  }

  async enter(room: string): Promise<void> {
    await this.at(`room-${room}`).click();
    await this.page.locator(`[data-testid="timeline"][data-room="${room}"]`).waitFor();
  }

  async say(text: string): Promise<void> {
    await this.at("composer").fill(text);
    await this.at("send").click();
  }

  /** The messages on the screen, from top to bottom. */
  async screen(): Promise<Array<{ id: string; user: string; state: string; text: string }>> {
    return await this.at("message").evaluateAll((nodes) =>
      nodes.map((node) => {
        const {
          id = "",
          user = "",
          state = "",
        } = (node as unknown as { dataset: Record<string, string> }).dataset;
        const text = (
          node as { querySelector(selector: string): { textContent: string } | null }
        ).querySelector(".text");
        return { id, user, state, text: text?.textContent ?? "" };
      }),
    );
  }

  async members(): Promise<string[]> {
    const users = await this.at("member").evaluateAll((nodes) =>
      nodes.map((node) => (node as unknown as { dataset: { user: string } }).dataset.user),
    );
    return users.sort();
  }
}

/** Somebody whose connection is on this gateway. */
async function visitorOn(browser: Browser, gateway: string, name: string, url: string): Promise<Visitor> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const context = await browser.newContext({ viewport: { width: 1_280, height: 800 } });
    const visitor = new Visitor(await context.newPage(), name);
    await visitor.join(url);
    if ((await visitor.gateway()) === gateway) return visitor;
    await context.close();
  }
  throw new Error(`no page landed on ${gateway}`);
}

async function untilBothAreHere(visitors: Visitor[]): Promise<void> {
  for (const visitor of visitors)
    await until(
      `both to be seen by ${visitor.name}`,
      async () => (await visitor.members()).join() === "Ada,Bob",
    );
}

/** On each screen, in each room: what the log holds, once and in order, and everything of one's own delivered. */
async function assertScreens(
  running: TestCluster,
  visitors: Visitor[],
  said: Record<string, string[]>,
): Promise<void> {
  const reader = await running.connect("reader");
  for (const room of ROOMS) {
    const log = await wholeHistory(reader, room);
    const texts = log.map(({ data }) => (data as { text: string }).text);
    assert.deepEqual([...texts].sort(), [...said[room]!].sort(), `everything said in ${room} is stored once`);
    for (const visitor of visitors) {
      await visitor.enter(room);
      await until(`${room} to be complete for ${visitor.name}`, async () => {
        const screen = await visitor.screen();
        return (
          screen.length >= log.length &&
          screen.every(({ state }) => state === "delivered" || state === "received")
        );
      });
      const screen = await visitor.screen();
      assert.deepEqual(
        screen.map(({ id }) => id),
        log.map(({ id }) => id),
        `${room} as ${visitor.name} sees it`,
      );
      assert.deepEqual(
        screen.map(({ text }) => text),
        texts,
      );
      for (const { user, state } of screen)
        assert.equal(state, user === visitor.name ? "delivered" : "received");
    }
  }
}

test("two people chat in two rooms while a gateway is killed", { skip }, async () => {
  const running = cluster!;
  const { browser, close } = await launchBrowser();
  running.beforeStop(close);
  const { url } = running.dev;
  const ada = await visitorOn(browser, "g1", "Ada", url);
  const bob = await visitorOn(browser, "g2", "Bob", url);
  const visitors = [ada, bob];
  const said: Record<string, string[]> = { [ROOMS[0]]: [], [ROOMS[1]]: [] };
  let number = 0;
  const talk = async (visitor: Visitor, room: string, times: number) => {
    await visitor.enter(room);
    for (let i = 0; i < times; i++) {
      const text = `${visitor.name} says ${++number}: ž 👋`;
      said[room]!.push(text);
      await visitor.say(text);
    }
  };

  for (const room of ROOMS) {
    for (const visitor of visitors) await visitor.enter(room);
    await untilBothAreHere(visitors);
    await ada.at("composer").pressSequentially("typ");
    await until("Bob to see Ada typing", async () => {
      return (await bob.at("typing").getAttribute("data-users"))?.split(" ").includes("Ada") === true;
    });
    await ada.at("composer").fill("");
    for (const visitor of visitors) await talk(visitor, room, 3);
  }
  await assertScreens(running, visitors, said);
  assert.deepEqual(
    visitors.map(({ opened, open }) => [opened, open]),
    [
      [1, 1],
      [1, 1],
    ],
    "one connection each, for all rooms",
  );

  const restarted = new Promise((resolve) => running.cluster.events.once("restart", resolve));
  const talking = (async () => {
    for (let round = 0; round < 4; round++)
      for (const room of ROOMS) for (const visitor of visitors) await talk(visitor, room, 2);
  })();
  await until("the conversation to be under way", () => number > 16);
  running.process("g1").kill("SIGKILL");
  await talking;
  await within("the restart", restarted);
  for (const visitor of visitors) await visitor.untilConnected();
  await assertScreens(running, visitors, said);
  for (const room of ROOMS) {
    for (const visitor of visitors) await visitor.enter(room);
    await untilBothAreHere(visitors);
  }
  assert.equal(ada.open, 1, "one connection again");
  assert.deepEqual([bob.opened, bob.open], [1, 1], "Bob's gateway lived on");
  for (const { errors } of visitors) assert.deepEqual(errors, []);
});
