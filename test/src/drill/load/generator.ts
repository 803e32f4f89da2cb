/** The load: one process that publishes and subscribes, and judges what its subscribers received. */
import { addVerdict, cleanVerdict, judge } from "../judge.js";
import { Client } from "./client.js";
import { checkHistories } from "./history.js";
import { Lane, slowestOf } from "./lane.js";
import type { LoadClient } from "./load-client.js";
import { type ChannelTimes, type HistoryResult, type LoadPlan, type LoadResult, noCounts } from "./orders.js";
import { SdkClient } from "./sdk-client.js";
import { Watch } from "./watch.js";

const TICK_MS = 5;
const LOOK_EVERY_MS = 1_000;
/** Channels that one connection publishes to, at most; and at least, where subscribers have fewer. */
const CHANNELS_PER_PUBLISHER = { max: 250, min: 10 };
const PREPARED_WITHIN_MS = 120_000;
const POLL_MS = 20;

export class Generator {
  readonly counters = noCounts();
  /** The longest that an acknowledgement took since it was last asked for. */
  #slowestMs = 0;
  #plan: LoadPlan | undefined;
  #lanes: Lane[] = [];
  #quiet: Lane[] = [];
  #watches: Watch[] = [];
  readonly #publishers: LoadClient[] = [];
  readonly #subscribers: LoadClient[] = [];
  readonly #clientOf = new Map<Lane, LoadClient>();
  #laneOf = new Map<string, Lane>();
  #phase: "calm" | "change" | "settle" = "calm";
  /** When the steady rate began, and how many messages it has made due. */
  #rateFrom = 0;
  #issued = 0;
  #turn = 0;
  #publishing = false;
  readonly #timers: NodeJS.Timeout[] = [];

  get unrecovered(): number {
    return this.#watches.reduce((sum, watch) => sum + watch.unrecovered, 0);
  }

  takeSlowestMs(): number {
    const slowest = this.#slowestMs;
    this.#slowestMs = 0;
    return slowest;
  }

  async prepare(plan: LoadPlan): Promise<void> {
    this.#plan = plan;
    this.#lanes = plan.channels.map((channel) => new Lane(channel));
    this.#laneOf = new Map(this.#lanes.map((lane) => [lane.channel, lane]));
    this.#quiet = plan.quietChannels.map((channel) => new Lane(channel));
    this.#makePublishers(plan);
    this.#makeSubscribers(plan);
    this.#timers.push(setInterval(() => this.#tick(performance.now()), TICK_MS));
    this.#timers.push(setInterval(() => this.#look(performance.now()), LOOK_EVERY_MS));
    for (const clients of [this.#publishers, this.#subscribers])
      await Promise.all(clients.map((client, i) => client.start(plan.gateways[i % plan.gateways.length])));
    const now = performance.now();
    for (const lane of this.#quiet) this.#due(lane, now);
    await this.#until(
      "the quiet channels to be written",
      () => openIn(this.#quiet) === 0,
      PREPARED_WITHIN_MS,
    );
  }

  calm(): void {
    this.#phase = "calm";
    for (const lane of this.#lanes) lane.calm();
    if (this.#publishing) return;
    this.#publishing = true;
    this.#rateFrom = performance.now();
    this.#issued = 0;
  }

  change(): void {
    this.#phase = "change";
    for (const lane of this.#lanes) lane.change(performance.now());
  }

  settle(): void {
    this.#phase = "settle";
    for (const lane of this.#lanes) lane.settle(performance.now());
  }

  stuck(forMs: number): number {
    const before = performance.now() - forMs;
    return this.#lanes.filter(({ oldestOpenAt }) => oldestOpenAt !== undefined && oldestOpenAt < before)
      .length;
  }

  away(): number {
    return this.#watches.filter(({ live }) => !live).length;
  }

  measure(): ChannelTimes[] {
    return this.#lanes.map(({ channel, calmMs, changeMs }) => ({ channel, calmMs, changeMs }));
  }

  async finish({ withinMs }: { withinMs: number }): Promise<LoadResult> {
    this.#publishing = false;
    const settled = () => openIn(this.#lanes) === 0 && this.#watches.every((watch) => this.#hasAll(watch));
    await this.#until("everything to arrive", settled, withinMs).catch(() => undefined); // the verdict will say
    const verdict = cleanVerdict();
    for (const { channel, arrivals, unrecovered } of this.#watches)
      addVerdict(verdict, judge(channel, this.#laneOf.get(channel)!.acks, arrivals, unrecovered > 0));
    const failed = openIn(this.#lanes);
    const unrecovered = this.#watches.flatMap(({ channel, unrecovered }) => Array(unrecovered).fill(channel));
    const sdkClients = this.#clients.filter((client) => client instanceof SdkClient).length;
    const longest = slowestOf(this.#lanes.map((lane) => lane.slowest));
    const slowest = longest && { ...longest, dueAt: longest.dueAt + performance.timeOrigin };
    return { verdict, failed, unrecovered, sdkClients, slowest, counters: this.counters };
  }

  history({ quiet }: { quiet: number }): Promise<HistoryResult> {
    const step = Math.max(1, Math.floor(this.#quiet.length / Math.max(1, quiet)));
    const sample = quiet === 0 ? [] : this.#quiet.filter((_, i) => i % step === 0);
    const excused = new Set(this.#watches.filter((w) => w.unrecovered > 0).map((w) => w.channel));
    return checkHistories(this.#publishers, [...this.#lanes, ...sample], excused);
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const client of this.#clients) client.stop();
  }

  #makePublishers(plan: LoadPlan): void {
    const lanes = [...this.#lanes, ...this.#quiet];
    const { min, max } = CHANNELS_PER_PUBLISHER;
    const wanted = Math.ceil(plan.channels.length / Math.max(min, Math.min(max, plan.channelsPerConnection)));
    for (const client of this.#newClients(plan, wanted)) this.#publishers.push(client);
    for (const [i, lane] of lanes.entries())
      this.#clientOf.set(lane, this.#publishers[i % this.#publishers.length]!);
  }

  #makeSubscribers(plan: LoadPlan): void {
    this.#watches = plan.channels.flatMap((channel) =>
      Array.from({ length: plan.subscribers }, () => new Watch(channel)),
    );
    const wanted = Math.max(plan.subscribers, Math.ceil(this.#watches.length / plan.channelsPerConnection));
    for (const client of this.#newClients(plan, wanted)) this.#subscribers.push(client);
    // Those of one channel stand next to each other, and so go to different clients.
    for (const [i, watch] of this.#watches.entries())
      this.#subscribers[i % this.#subscribers.length]!.add(watch);
  }

  /** As many as wanted, and as many for each gateway; those of the SDK go where they are taken. */
  #newClients({ gateways, padBytes, url, token, sdkPercent }: LoadPlan, wanted: number): LoadClient[] {
    const count = Math.ceil(wanted / gateways.length) * gateways.length;
    const pad = "x".repeat(padBytes);
    const context = { url, token, counters: this.counters, pad, tookMs: (ms: number) => this.#took(ms) };
    const raw = count - Math.round((count * sdkPercent) / 100);
    return Array.from({ length: count }, (_, i) => (i < raw ? new Client(context) : new SdkClient(context)));
  }

  get #clients(): LoadClient[] {
    return [...this.#publishers, ...this.#subscribers];
  }

  #tick(now: number): void {
    if (this.#publishing) this.#issue(now);
    for (const client of this.#publishers) client.pump(now);
  }

  /** Makes due what the rate asks for: at the time when it should have been, however late this tick is. */
  #issue(now: number): void {
    const { rate, lateEvery } = this.#plan!;
    const wanted = ((now - this.#rateFrom) * rate) / 1_000;
    while (this.#issued < wanted) {
      const turn = this.#turn++ % this.#lanes.length;
      // Some channels are subscribed to and still empty when they have to move.
      if (this.#phase === "calm" && lateEvery > 0 && turn % lateEvery === 0) continue;
      this.#due(this.#lanes[turn]!, this.#rateFrom + (this.#issued++ * 1_000) / rate);
    }
  }

  #due(lane: Lane, at: number): void {
    lane.due(at);
    this.counters.published++;
    this.#clientOf.get(lane)!.wake(lane);
  }

  #took(ms: number): void {
    if (!this.#publishing) return;
    this.#slowestMs = Math.max(this.#slowestMs, ms);
  }

  #look(now: number): void {
    for (const client of this.#clients) client.look(now);
  }

  #hasAll({ channel, arrivals }: Watch): boolean {
    return arrivals.length >= this.#laneOf.get(channel)!.published;
  }

  async #until(what: string, holds: () => boolean, withinMs: number): Promise<void> {
    const deadlineAt = performance.now() + withinMs;
    while (!holds()) {
      if (performance.now() > deadlineAt) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function openIn(lanes: readonly Lane[]): number {
  return lanes.reduce((sum, lane) => sum + lane.open, 0);
}
