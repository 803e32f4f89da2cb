/**
 * Runs the product's `Channel` as `cells/src/actor.ts` does, with the product's own loading, taking over and reading,
 * but on the simulated clock, log and bus: the real shell reads the wall clock, and has timers and Redis for presence.
 * Where it is stricter than the real one, a comment says "ahead of the product".
 */
import {
  type Append,
  type AppendOutcome,
  Channel,
  type ChannelEffect,
  type ChannelLogs,
  type LoadedChannel,
  loadChannel,
  readRange,
  readWindow,
  type StoredRecord,
  takeOver,
} from "@plexus/cells/cores";
import type {
  Directory,
  HeadAnswer,
  PublishAnswer,
  PublishBatch,
  ReleaseAnswer,
  WireError,
} from "@plexus/runtime";
import { homeOf, previousHomesOf } from "@plexus/runtime";
import type { Bug } from "./bugs.js";
import { type Command, type Settled, TENANT } from "./calls.js";
import type { Schedule } from "./schedule.js";

export interface ActorContext {
  readonly schedule: Schedule;
  readonly cell: string;
  readonly channel: string;
  readonly logs: ChannelLogs;
  append(append: Append, done: (outcome: AppendOutcome) => void): void;
  readonly bug: Bug | null;
  directory(): Directory;
  clock(): number;
  newEpoch(): string;
  release(cell: string): Promise<ReleaseAnswer>;
  /** Publishes are about to be acknowledged. */
  acknowledging(ids: readonly string[], answer: PublishAnswer): void;
  /** The channel is served here, and was never written to. */
  servesEmpty(epoch: string): void;
  /** So many take-overs more, or less, are under way. */
  takesOver(more: number): void;
  closed(actor: Actor): void;
}

/** Whoever waits for an answer, and the ids that it wants to have stored. */
interface Asker {
  readonly ids: readonly string[];
  readonly answer: Settled;
}

const RETENTION = { messages: 1_000_000, ageMs: 1_000_000_000 };
/** Small enough that records are split, tails end, and windows are read from the log. */
const BOUNDS = {
  mailboxMessages: 50,
  mailboxBytes: 100_000,
  recordMessages: 4,
  recordBytes: 10_000,
  tailRecords: 3,
  tailBytes: 10_000,
  windowIds: 1_000,
};

export class Actor {
  readonly #context: ActorContext;
  readonly #channel: Channel<Asker>;
  /** Questions that wait for the channel to be loaded; null once it is. */
  #waiting: Array<() => void> | null = [];

  constructor(context: ActorContext) {
    this.#context = context;
    this.#channel = new Channel<Asker>(context.channel, context.cell, BOUNDS);
    context.schedule.task(() => this.#load());
  }

  get isHome(): boolean {
    const { cell, channel, directory } = this.#context;
    return homeOf(directory(), TENANT, channel)?.cell === cell;
  }
  get serves(): boolean {
    return this.#channel.serves;
  }
  get isStray(): boolean {
    return this.#channel.isFresh && this.#channel.quiet && this.#waiting === null && !this.isHome;
  }

  get mayBegin(): boolean {
    return this.#channel.isFresh && this.#channel.serves && !this.isHome;
  }

  handle(command: Command, answer: Settled): void {
    const now = this.#context.clock();
    switch (command.kind) {
      case "publish":
        this.#channel.publish(command.body, { ids: idsOf(command.body), answer }, now);
        return this.#runEffects();
      case "head":
        return this.#answer(answer, () => this.#head(command.body.gateway === ""));
      case "read":
        return this.#answer(answer, () => readRange(this.#readable(), command.body, this.#context.clock()));
      case "release":
        if (this.isHome) return answer(["moved", "the channel is at home here", null], null);
        this.#channel.release(command.body.to, { ids: [], answer }, now);
        return this.#runEffects();
    }
  }

  close(): void {
    this.#channel.close();
    this.#runEffects();
  }

  /**
   * Ahead of the product: who moves channels relies on the answer, so an actor that another one has overtaken (two
   * owners at a time) must not give it.
   */
  async #head(verified: boolean): Promise<HeadAnswer> {
    const { logs, cell } = this.#context;
    const { position, fence, state } = this.#channel;
    if (verified && state === "idle") {
      const last = await logs.own.last(logs.subject(cell));
      if (this.#channel.fence === fence && (last?.logSeq ?? 0) > fence) this.close();
      if (!this.serves) throw new Error("another actor has the channel");
    }
    return { head: position, presence: null, members: 0 };
  }

  #readable() {
    const { position, fence, tail, segments, opened } = this.#channel;
    return { logs: this.#context.logs, position, fence, tail, segments, opened, retention: RETENTION };
  }

  #answer(answer: Settled, ask: () => Promise<unknown>): void {
    if (this.#waiting !== null) return void this.#waiting.push(() => this.#answer(answer, ask));
    if (!this.#channel.serves) return answer(this.#channel.closeReason, null);
    this.#context.schedule.task(async () => {
      try {
        answer(null, await ask());
      } catch (error) {
        answer(unavailable(error), null);
      }
    });
  }

  async #load(): Promise<void> {
    const { logs, clock, directory, channel, schedule, cell } = this.#context;
    try {
      // What the log says may be older than the directory by the time it is here.
      const before = previousHomesOf(directory(), TENANT, channel);
      const own = this.#forgetful(await loadChannel(logs, clock()));
      const { isHome } = this;
      const now = previousHomesOf(directory(), TENANT, channel);
      const elsewhere = [...new Set([...now, ...before])].filter((id) => id !== cell);
      const lives = own.sealedTo === null && !own.fresh;
      if (lives || !isHome || (elsewhere.length === 0 && own.sealedTo === null))
        this.#channel.loaded(own, isHome, clock());
      else await this.#takeOver(own, elsewhere);
      if (this.#channel.serves && this.#channel.isFresh)
        this.#context.servesEmpty(this.#channel.position.epoch);
      schedule.note(() => `${cell}: loaded, ${this.#channel.state} at ${where(this.#channel.position)}`);
    } catch (error) {
      schedule.note(() => `${cell}: could not be loaded: ${String(error)}`);
      this.#channel.loadFailed();
    }
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.#runEffects();
    for (const ask of waiting) ask();
  }

  async #takeOver(own: LoadedChannel, elsewhere: string[]): Promise<void> {
    const { channel, logs, directory, release, newEpoch, clock, schedule, cell } = this.#context;
    const stateOf = (id: string) => directory().cells.find((entry) => entry.id === id)?.state;
    this.#context.takesOver(1);
    schedule.note(() => `${cell}: takes over from ${elsewhere.join() || "whoever has it"}`);
    const isGone = () => Promise.resolve(true);
    const logAnswered = () => undefined;
    const context = {
      ...{ channel, logs, stateOf, release, isGone, logAnswered, newEpoch },
      isHome: () => this.isHome,
    };
    const { loaded } = await takeOver(context, own, elsewhere, clock()).finally(() =>
      this.#context.takesOver(-1),
    );
    this.#channel.loaded(this.#forgetful(loaded), true, clock());
  }

  #forgetful(loaded: LoadedChannel): LoadedChannel {
    return this.#context.bug === "no_window" ? { ...loaded, ids: [] } : loaded;
  }

  async #readWindow(newest: StoredRecord | null): Promise<void> {
    const { logs, clock } = this.#context;
    try {
      const { segments, newestAt } = this.#channel;
      this.#channel.windowRead(await readWindow(logs, segments, newestAt, newest), clock());
    } catch (error) {
      this.#failed("window", error);
      this.#channel.windowRead(null, clock());
    }
    this.#runEffects();
  }

  async #verify(): Promise<void> {
    const { logs, clock, cell } = this.#context;
    try {
      const last = await logs.own.last(logs.subject(cell));
      this.#channel.verified(last?.logSeq ?? 0, last?.bytes ?? null, clock());
    } catch (error) {
      this.#failed("append", error);
      this.#channel.loadFailed();
    }
    this.#runEffects();
  }

  #failed(what: string, error: unknown): void {
    this.#context.schedule.note(() => `${this.#context.cell}: ${what} could not be read: ${String(error)}`);
  }

  #runEffects(): void {
    for (const effect of this.#channel.takeEffects()) this.#run(effect);
  }

  #run(effect: ChannelEffect<Asker>): void {
    const { schedule, acknowledging, closed } = this.#context;
    switch (effect.do) {
      case "append":
        return this.#append(effect);
      case "load":
        return schedule.task(() => this.#verify());
      case "window":
        return schedule.task(() => this.#readWindow(effect.newest));
      case "answer": {
        const { to, answer } = effect;
        acknowledging(to.ids, answer);
        return to.answer(null, answer);
      }
      case "release":
        return effect.to.answer(null, effect.answer);
      case "refuse":
        return effect.to.answer(effect.error, null);
      case "close":
        return closed(this);
    }
  }

  #append({ bytes, fence, opened }: Extract<ChannelEffect<Asker>, { do: "append" }>): void {
    const { logs, cell, clock, append } = this.#context;
    append({ subject: logs.subject(cell), bytes, fence, opened }, (outcome) => {
      if (outcome.stored) this.#channel.appended(outcome.logSeq, clock());
      else if (outcome.why === "refused") this.#channel.appendRefused(outcome.message);
      else this.#channel.unsure();
      this.#runEffects();
    });
  }
}

/** Of all messages of a batch, also of those that are known by the one before them. */
function idsOf([fragments, lengths]: PublishBatch): string[] {
  let at = 0;
  return lengths.map((length) => {
    const message = Buffer.from(fragments.subarray(at, at + length)).toString();
    at += length + 1;
    return /"id":"([^"]+)"/.exec(message)![1]!;
  });
}

export function where({ epoch, seq }: { epoch: string; seq: number }): string {
  return `${epoch}/${seq}`;
}

function unavailable(error: unknown): WireError {
  return ["unavailable", String(error), 1_000];
}
