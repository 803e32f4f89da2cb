/**
 * Fan-out through uWebSockets' topics: one topic per channel, encoding and kind of frame. JSON subscribers get
 * the bytes as they came over the bus; for MessagePack subscribers each frame is transcoded once.
 */

import type { TemplatedApp } from "uWebSockets.js";
import * as metrics from "./metrics.js";
import { asText, transcode } from "./transcode.js";

export type Encoding = "json" | "msgpack";

/** What subscribers of a channel may ask for: its messages and signals; presence events on top. */
export type Feed = "messages" | "presence";

const PREFIX = {
  json: { messages: "j:", presence: "J:" },
  msgpack: { messages: "b:", presence: "B:" },
} as const;

export function topic(key: string, encoding: Encoding, feed: Feed): string {
  return PREFIX[encoding][feed] + key;
}

export class FanOut {
  readonly #app: TemplatedApp;

  constructor(app: TemplatedApp) {
    this.#app = app;
  }

  /** Hands a frame, given as its JSON bytes, to every subscriber of a channel; returns how many these are. */
  publish(key: string, feed: Feed, bytes: Uint8Array): number {
    const json = topic(key, "json", feed);
    const subscribers = this.#app.numSubscribers(json);
    const text = subscribers > 0 ? asText(bytes) : null;
    if (text !== null) this.#app.publish(json, text, false);
    const msgpack = topic(key, "msgpack", feed);
    const others = this.#app.numSubscribers(msgpack);
    const transcoded = others > 0 ? transcode(bytes) : null;
    if (transcoded !== null) this.#app.publish(msgpack, transcoded, true);
    metrics.deliveries.add(subscribers + others);
    metrics.bytesOut.add(bytes.byteLength * subscribers + (transcoded?.byteLength ?? 0) * others);
    return subscribers + others;
  }
}
