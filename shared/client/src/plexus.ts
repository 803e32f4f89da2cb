import { isChannel, PlexusError } from "@plexus/protocol";
import { onWake } from "./browser.js";
import { Channel, type Hub } from "./channel.js";
import { Emitter } from "./emitter.js";
import type { Link, PushedFrame } from "./link.js";
import { type PlexusOptions, type Settings, settle } from "./options.js";
import { Publisher } from "./publisher.js";
import { Requests } from "./requests.js";
import { Session } from "./session.js";
import type { ConnectionState } from "./state.js";

export interface PlexusEvents {
  /** The connection's state changed. */
  state: ConnectionState;
  /** Something went wrong that the client deals with by itself: for logs. */
  warning: PlexusError;
}

/**
 * A client: one connection that is kept up, and the channels over it.
 *
 * ```ts
 * const client = new Plexus({ url: "wss://chat.example/v1/connect", token: () => fetchToken() });
 * client.on("state", (state) => console.log(state.name));
 * await client.connect();
 * ```
 */
export class Plexus extends Emitter<PlexusEvents> {
  readonly #settings: Settings;
  readonly #session: Session;
  readonly #publisher: Publisher;
  readonly #requests: Requests;
  readonly #channels = new Map<string, Channel>();
  readonly #hub: Hub;
  #link: Link | null = null;
  #unhook: () => void = () => undefined;

  /** Throws `bad_request` where an option is wrong. Does not connect yet. */
  constructor(options: PlexusOptions) {
    super();
    const settings = settle(options);
    this.#settings = settings;
    this.#publisher = new Publisher(settings);
    this.#requests = new Requests(settings);
    this.#session = new Session(settings, {
      state: (state) => this.#stateChanged(state),
      current: (link) => this.#changeTo(link),
      restore: (link) => Promise.all([...this.#channels.values()].map((channel) => channel.restore(link))),
      frame: (link, frame) => this.#frame(link, frame),
      lost: (link) => this.#lost(link),
      trouble: (error) => this.emit("warning", error),
    });
    this.#hub = {
      ...{ settings, publisher: this.#publisher, requests: this.#requests },
      link: () => this.#link,
      abandon: (link, error) => {
        this.emit("warning", error);
        this.#session.abandon(link, error);
      },
    };
  }

  get state(): ConnectionState {
    return this.#session.state;
  }

  /** Publishes without an answer yet. */
  get queued(): number {
    return this.#publisher.queued;
  }

  /**
   * Connects, and stays connected. Resolves with the first connection, however many attempts that takes; rejects
   * where trying is pointless (state `failed`) or the client is closed meanwhile. After either, it starts anew;
   * subscriptions go on from their positions.
   */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (state: ConnectionState) => {
        if (state.name === "connected") resolve();
        else if (state.name === "failed") reject(state.error);
        else if (state.name === "closed") reject(new PlexusError("unavailable", "the client was closed"));
        else return;
        off();
      };
      const off = this.on("state", look);
      this.#unhook();
      this.#unhook = onWake(() => this.#session.wake());
      this.#session.start();
      look(this.state);
    });
  }

  /**
   * Closes the connection for good. What was published and has no answer is rejected: await {@link flush} first
   * if it matters. Loops over messages end.
   */
  close(): void {
    this.#unhook();
    this.#session.stop({ name: "closed" });
  }

  /** Resolves when every publish has been answered or given up. */
  flush(): Promise<void> {
    return this.#publisher.flush();
  }

  /** Doubts the connection: connects at once if it waits to, else checks that the gateway answers. */
  wake(): void {
    this.#session.wake();
  }

  /** An id for a message, to be given to `publish` as `mid` by whoever needs to know it before. */
  makeId(): string {
    return this.#settings.makeId();
  }

  /** The channel of this name. Throws `bad_request` for what is no name, `limit_reached` at `maxChannels`. */
  channel(name: string): Channel {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    if (!isChannel(name)) throw new PlexusError("bad_request", `"${name}" is not a channel name`);
    if (this.#channels.size >= this.#settings.maxChannels)
      throw new PlexusError("limit_reached", "too many channels; release() those that are not needed");
    const channel = new Channel(name, this.#hub);
    this.#channels.set(name, channel);
    return channel;
  }

  /** Forgets a channel that is not subscribed; its object is of no further use. False where it is in use. */
  release(name: string): boolean {
    const state = this.#channels.get(name)?.state.name;
    if (state === "subscribed" || state === "subscribing") return false;
    return this.#channels.delete(name);
  }

  #changeTo(link: Link | null): void {
    this.#link = link;
    this.#publisher.attach(link);
    this.#requests.attach(link);
  }

  #frame(link: Link, frame: PushedFrame): void {
    if (frame.op === "err") {
      const { code, message, retry } = frame;
      this.emit("warning", new PlexusError(code, message, { retry }));
    } else if (frame.op !== "bye") this.#channels.get(frame.ch)?.receive(link, frame);
  }

  #lost(link: Link): void {
    for (const channel of this.#channels.values()) channel.lost(link);
    this.#publisher.lost(link);
  }

  #stateChanged(state: ConnectionState): void {
    if (state.name === "failed" || state.name === "closed") {
      this.#unhook();
      const error = state.name === "failed" ? state.error : null;
      const reason = error ?? new PlexusError("unavailable", "the client was closed");
      this.#publisher.stop(reason);
      this.#requests.stop(reason);
      for (const channel of this.#channels.values()) channel.stop(error);
    }
    this.emit("state", state);
  }
}
