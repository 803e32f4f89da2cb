/** The drill's side of the load: starts the generators, gives all of them the same order, adds up what they say. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { addVerdict, cleanVerdict } from "../judge.js";
import { slowestOf } from "./lane.js";
import {
  type ChannelTimes,
  type GeneratorMessage,
  type HistoryResult,
  type LoadCounters,
  type LoadPlan,
  type LoadResult,
  noCounts,
  type OrderName,
  type Orders,
} from "./orders.js";

export interface LoadStatus extends LoadCounters {
  unrecovered: number;
  /** The slowest acknowledgement since this was last asked for. */
  slowestMs: number;
}

interface Standing {
  counters: LoadCounters;
  unrecovered: number;
}

const PROCESS = fileURLToPath(new URL("process.js", import.meta.url));

export class Load {
  readonly #children: ChildProcess[] = [];
  readonly #standings = new Map<ChildProcess, Standing>();
  readonly #waiting = new Map<
    number,
    { resolve: (answer: unknown) => void; reject: (error: Error) => void }
  >();
  #nextOrder = 1;
  #slowestMs = 0;
  #stopped = false;

  /** @param count of processes */
  constructor(count: number) {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    for (let i = 0; i < count; i++) {
      const child = fork(PROCESS, { env, serialization: "advanced" });
      child.on("message", (message) => this.#onMessage(child, message as GeneratorMessage));
      child.once("exit", (code) => this.#onExit(code));
      this.#children.push(child);
    }
  }

  get pids(): number[] {
    return this.#children.map(({ pid }) => pid!);
  }

  /** Each generator gets its share of the channels, and of the rate. */
  async prepare(plan: LoadPlan): Promise<void> {
    const count = this.#children.length;
    const share = (channels: string[], i: number) => channels.filter((_, n) => n % count === i);
    await Promise.all(
      this.#children.map((child, i) => {
        const channels = share(plan.channels, i);
        const quietChannels = share(plan.quietChannels, i);
        return this.#order(child, "prepare", { ...plan, channels, quietChannels, rate: plan.rate / count });
      }),
    );
  }

  async tell(name: "calm" | "change" | "settle"): Promise<void> {
    await this.#all(name, null);
  }

  /** How many channels have waited so long for an acknowledgement. */
  async stuck(forMs: number): Promise<number> {
    return (await this.#all("stuck", { forMs })).reduce((sum, count) => sum + count, 0);
  }

  /** How many subscriptions are not there at this time. */
  async away(): Promise<number> {
    return (await this.#all("away", null)).reduce((sum, count) => sum + count, 0);
  }

  async measure(): Promise<ChannelTimes[]> {
    return (await this.#all("measure", null)).flat();
  }

  async finish(withinMs: number): Promise<LoadResult> {
    const results = await this.#all("finish", { withinMs });
    const verdict = cleanVerdict();
    for (const result of results) addVerdict(verdict, result.verdict);
    const sum = (of: (result: LoadResult) => number) => results.reduce((total, one) => total + of(one), 0);
    return {
      verdict,
      failed: sum(({ failed }) => failed),
      sdkClients: sum(({ sdkClients }) => sdkClients),
      slowest: slowestOf(results.map(({ slowest }) => slowest)),
      unrecovered: results.flatMap(({ unrecovered }) => unrecovered),
      counters: addCounters(results.map(({ counters }) => counters)),
    };
  }

  /** @param quiet how many of the quiet channels, at most */
  async history(quiet: number): Promise<HistoryResult> {
    const results = await this.#all("history", { quiet: Math.ceil(quiet / this.#children.length) });
    const all: HistoryResult = { channels: 0, messages: 0, verdict: cleanVerdict() };
    for (const { channels, messages, verdict } of results) {
      all.channels += channels;
      all.messages += messages;
      addVerdict(all.verdict, verdict);
    }
    return all;
  }

  status(): LoadStatus {
    const standings = [...this.#standings.values()];
    const slowestMs = this.#slowestMs;
    this.#slowestMs = 0;
    const unrecovered = standings.reduce((sum, standing) => sum + standing.unrecovered, 0);
    return { ...addCounters(standings.map(({ counters }) => counters)), unrecovered, slowestMs };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(
      this.#children.map((child) => {
        if (child.exitCode !== null || child.signalCode !== null) return undefined;
        const exited = new Promise((resolve) => child.once("exit", resolve));
        if (child.connected) child.disconnect();
        return exited;
      }),
    );
  }

  #all<N extends OrderName>(name: N, ask: Orders[N]["ask"]): Promise<Array<Orders[N]["answer"]>> {
    return Promise.all(this.#children.map((child) => this.#order(child, name, ask)));
  }

  #order<N extends OrderName>(
    child: ChildProcess,
    name: N,
    ask: Orders[N]["ask"],
  ): Promise<Orders[N]["answer"]> {
    const order = this.#nextOrder++;
    return new Promise((resolve, reject) => {
      if (!child.connected) return reject(new Error("a load generator is gone"));
      this.#waiting.set(order, { resolve: resolve as (answer: unknown) => void, reject });
      child.send({ order, name, ask });
    });
  }

  #onMessage(child: ChildProcess, message: GeneratorMessage): void {
    if (!("order" in message)) {
      const { counters, unrecovered, slowestMs } = message;
      this.#standings.set(child, { counters, unrecovered });
      this.#slowestMs = Math.max(this.#slowestMs, slowestMs);
      return;
    }
    const waiting = this.#waiting.get(message.order);
    this.#waiting.delete(message.order);
    if (message.error === undefined) waiting?.resolve(message.answer);
    else waiting?.reject(new Error(message.error));
  }

  #onExit(code: number | null): void {
    if (this.#stopped) return;
    for (const { reject } of this.#waiting.values()) reject(new Error(`a load generator ended with ${code}`));
    this.#waiting.clear();
  }
}

function addCounters(all: readonly LoadCounters[]): LoadCounters {
  const sum = noCounts();
  for (const { refused, ...numbers } of all) {
    for (const [name, value] of Object.entries(numbers) as Array<[keyof typeof numbers, number]>)
      sum[name] += value;
    for (const [code, count] of Object.entries(refused)) sum.refused[code] = (sum.refused[code] ?? 0) + count;
  }
  return sum;
}
