/**
 * A client of the load as applications are: the SDK does everything, and what it shows its user is counted. A rolling
 * restart moves it from gateway to gateway; its user is to see nothing of that but another `conn`.
 */
import { type ConnectionState, Plexus, PlexusError } from "@plexus/client";
import { WebSocket } from "ws";
import type { Lane } from "./lane.js";
import { type ClientContext, type LoadClient, payloadOf } from "./load-client.js";
import type { Watch } from "./watch.js";

/** Publishes that the SDK is given at once: well below its own bound, so that it refuses none. */
const MAX_QUEUED = 500;
/** A load may have more channels than an application. */
const MAX_CHANNELS = 100_000;

export class SdkClient implements LoadClient {
  readonly watches: Watch[] = [];
  readonly #context: ClientContext;
  readonly #plexus: Plexus;
  readonly #ready = new Set<Lane>();
  #conn: string | undefined;
  #stopped = false;

  constructor(context: ClientContext) {
    this.#context = context;
    const { url, token } = context;
    this.#plexus = new Plexus({ url, token: () => token, WebSocket, maxChannels: MAX_CHANNELS });
    this.#plexus.on("state", (state) => this.#stateChanged(state));
  }

  add(watch: Watch): void {
    this.watches.push(watch);
  }

  async start(): Promise<void> {
    await this.#plexus.connect();
    await Promise.all(this.watches.map((watch) => this.#subscribe(watch)));
  }

  stop(): void {
    this.#stopped = true;
    this.#plexus.close();
  }

  wake(lane: Lane): void {
    this.#ready.add(lane);
  }

  pump(now: number): void {
    for (const lane of this.#ready) {
      if (this.#plexus.queued >= MAX_QUEUED) break;
      const batch = lane.take(now);
      if (batch.length > 0 || lane.open === 0) this.#ready.delete(lane);
      for (const number of batch) void this.#publish(lane, number);
    }
  }

  look(): void {
    // The SDK looks after its connection by itself.
  }

  history(channel: string, after: number, limit: number) {
    return this.#plexus.channel(channel).history({ after, limit });
  }

  async #subscribe(watch: Watch): Promise<void> {
    const { counters } = this.#context;
    const channel = this.#plexus.channel(watch.channel);
    channel.on("message", ({ epoch, seq, data }) => {
      watch.arrived(epoch, seq, data);
      counters.delivered++;
    });
    channel.on("reset", ({ to }) => watch.reset(to));
    channel.on("state", ({ name }) => {
      if (watch.live && name !== "subscribed" && !this.#stopped) counters.noticed++;
      watch.live = name === "subscribed";
    });
    const { position } = await channel.subscribe();
    watch.position ??= position;
  }

  async #publish(lane: Lane, number: number): Promise<void> {
    const { counters } = this.#context;
    try {
      const mid = lane.midOf(number);
      const channel = this.#plexus.channel(lane.channel);
      const { epoch, seq, dup } = await channel.publish(payloadOf(this.#context, number), { mid });
      counters.acknowledged++;
      if (dup) counters.repeated++;
      this.#context.tookMs(lane.acknowledged(number, { epoch, seq }, performance.now()));
    } catch (error) {
      if (!(error instanceof PlexusError)) throw error;
      if (!this.#stopped) counters.refused[error.code] = (counters.refused[error.code] ?? 0) + 1;
      lane.failed(number, performance.now(), error.code);
    }
    if (lane.open > 0) this.wake(lane);
  }

  #stateChanged(state: ConnectionState): void {
    const { counters } = this.#context;
    if (state.name === "connected") {
      if (this.#conn !== undefined && this.#conn !== state.conn) counters.changedOver++;
      this.#conn = state.conn;
    } else if (this.#conn !== undefined && !this.#stopped) {
      // Once for each time that the connection is gone, however many attempts it takes to come back.
      counters.noticed++;
      this.#conn = undefined;
    }
  }
}
