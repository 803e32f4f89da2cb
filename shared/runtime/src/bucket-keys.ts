import type { StreamAPI } from "@nats-io/jetstream";
import { PlexusError } from "@plexus/protocol";
import { streamsOf } from "./hub.js";
import type { NatsConnection } from "./nats.js";

const WITHIN_MS = 5_000;

/** The keys of a bucket, for what the library's KV does by other means than one question. */
export class BucketKeys {
  readonly #nats: NatsConnection;
  readonly #bucket: string;
  readonly #domain: string | undefined;

  /** @param domain of JetStream, as {@link streamsOf} takes it */
  constructor(nats: NatsConnection, bucket: string, domain: string | undefined) {
    this.#nats = nats;
    this.#bucket = bucket;
    this.#domain = domain;
  }

  /**
   * Those that begin with `prefix`, also where all that is left of one is that it was deleted. Rejects with
   * `unavailable` where there is no answer within 5 s; the library would make a consumer, and wait for its end.
   */
  async list(prefix = ""): Promise<string[]> {
    const filter = { subjects_filter: this.#subjectOf(`${prefix}>`) };
    const { state } = await this.#ask((streams, name) => streams.info(name, filter));
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(this.#subjectOf("").length));
  }

  /**
   * Removes all of a key, where a deletion would leave a marker that stays. Whoever watches is not told. Rejects with
   * `unavailable` as {@link list} does.
   *
   * @param upTo the revision behind which nothing is removed: somebody may have written the key anew
   */
  async remove(key: string, upTo?: number): Promise<void> {
    const filter = this.#subjectOf(key);
    const what = upTo === undefined ? { filter } : { filter, seq: upTo + 1 };
    await this.#ask((streams, name) => streams.purge(name, what));
  }

  #subjectOf(key: string): string {
    return `$KV.${this.#bucket}.${key}`;
  }

  async #ask<T>(question: (streams: StreamAPI, stream: string) => Promise<T>): Promise<T> {
    try {
      const { streams } = await streamsOf(this.#nats, this.#domain, WITHIN_MS);
      return await question(streams, `KV_${this.#bucket}`);
    } catch (cause) {
      const message = `the keys of ${this.#bucket} can't be reached now`;
      throw new PlexusError("unavailable", message, { retry: 1_000, cause });
    }
  }
}
