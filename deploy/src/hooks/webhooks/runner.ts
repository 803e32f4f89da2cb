import type { DirectoryStore, Logger, NatsConnection, Options, Webhook } from "@plexus/runtime";
import { CONNECTION_KINDS } from "@plexus/runtime";
import type { hooksOptions } from "../options.js";
import type { DeadLetters } from "./dead-letters.js";
import { Delivery } from "./delivery.js";
import { Lane, type LaneSource } from "./lane.js";
import { Replay } from "./replay.js";
import type { Sources } from "./sources.js";
import { LiveState, type WebhookStates } from "./state.js";

const LIFECYCLE = "lifecycle";

export interface RunnerContext {
  nats: NatsConnection;
  tenant: string;
  sources: Sources;
  directory: DirectoryStore;
  states: WebhookStates;
  letters: DeadLetters;
  options: Options<typeof hooksOptions>;
  /** Somebody else delivers this webhook. */
  onConflict: () => void;
  log: Logger;
}

/** Delivers one webhook: a lane for each stream that its events come from. */
export class WebhookRunner {
  readonly #context: RunnerContext;
  readonly #abort = new AbortController();
  readonly #lanes = new Map<string, { lane: Lane; settled: boolean }>();
  readonly #state: LiveState;
  readonly #delivery: Delivery;
  readonly #replay: Replay;
  #webhook: Webhook;

  private constructor(webhook: Webhook, state: LiveState, context: RunnerContext) {
    this.#webhook = webhook;
    this.#state = state;
    this.#context = context;
    const { tenant, letters, options, log } = context;
    const { signal } = this.#abort;
    const current = () => this.#webhook;
    this.#delivery = new Delivery({ tenant, webhook: current, state, letters, options, signal, log });
    this.#replay = new Replay({
      tenant,
      webhook: webhook.id,
      delivery: this.#delivery,
      letters,
      options,
      signal,
      log,
    });
    this.arrange();
  }

  static async start(webhook: Webhook, context: RunnerContext): Promise<WebhookRunner> {
    const { tenant, states, onConflict, log } = context;
    const found = await states.ensure(tenant, webhook.id, Date.now());
    const write = (state: Parameters<WebhookStates["write"]>[2], revision: number) =>
      states.write(tenant, webhook.id, state, revision);
    return new WebhookRunner(webhook, new LiveState(found, write, onConflict, log), context);
  }

  update(webhook: Webhook): void {
    this.#webhook = webhook;
    this.arrange();
  }

  /** Lanes for what is wanted now, and of the cells that there are. */
  arrange(): void {
    const { tenant, sources, directory } = this.#context;
    const { events } = this.#webhook;
    const wanted = new Map<string, () => LaneSource>();
    if (events.some((kind) => CONNECTION_KINDS.includes(kind)))
      wanted.set(LIFECYCLE, () => sources.lifecycle(tenant));
    if (events.includes("published")) {
      const laneOf = (cell: string) => this.#lanes.get(`cell.${cell}`)?.lane;
      for (const { id } of directory.current.cells)
        wanted.set(`cell.${id}`, () => sources.published(tenant, id, laneOf));
    }
    let changed = false;
    for (const name of [...this.#lanes.keys()]) if (!wanted.has(name)) this.#close(name);
    // Positions of what is no longer wanted would bring the past once it is wanted again.
    for (const name of Object.keys(this.#state.state.lanes)) {
      if (wanted.has(name)) continue;
      this.#state.forget(name);
      changed = true;
    }
    for (const [name, source] of wanted) {
      const settled = name !== LIFECYCLE && sources.isSettled(name.slice(name.indexOf(".") + 1));
      if (this.#lanes.get(name)?.settled === settled) continue;
      this.#close(name);
      this.#lanes.set(name, { lane: this.#open(source()), settled });
      changed = true;
    }
    if (changed) void this.#state.save();
  }

  /** How many dead letters are going to be delivered again: all, or one. */
  replay(letter: number | undefined): Promise<number> {
    return this.#replay.start(letter);
  }

  stop(): void {
    this.#abort.abort();
    for (const { lane } of this.#lanes.values()) lane.stop();
  }

  #open(source: LaneSource): Lane {
    const { nats, tenant, options, log } = this.#context;
    const bounds = { events: options.batchEvents, bytes: options.batchBytes, waitMs: options.batchMs };
    const common = {
      nats,
      tenant,
      webhook: () => this.#webhook,
      state: this.#state,
      delivery: this.#delivery,
    };
    // A cell that joins later has nothing older than itself.
    const cells = Object.entries(this.#state.state.lanes).filter(([name]) => name !== LIFECYCLE);
    const since = source.name === LIFECYCLE ? undefined : cells[0]?.[1].since;
    this.#state.begin(source.name, since ?? Date.now());
    return new Lane(source, { ...common, bounds, signal: this.#abort.signal, log }, since ?? Date.now());
  }

  #close(name: string): void {
    this.#lanes.get(name)?.lane.stop();
    this.#lanes.delete(name);
  }
}
