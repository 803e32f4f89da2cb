/**
 * `@plexus/client`: channels with order, history and presence over one WebSocket. See docs/client.md.
 */
export {
  ERRORS,
  type ErrorCode,
  type HistoryMessage,
  type Limits,
  type Member,
  type Message,
  PlexusError,
  type Position,
} from "@plexus/protocol";
export {
  Channel,
  type ChannelEvents,
  type HistoryOptions,
  type HistoryPage,
  type PublishOptions,
  type Signal,
  type Skipped,
} from "./channel.js";
export type { Clock, Random } from "./clock.js";
export { type Codec, type Encoded, jsonCodec } from "./codec.js";
export { StreamOverflow } from "./message-stream.js";
export type { PlexusOptions, Tuning } from "./options.js";
export { Plexus, type PlexusEvents } from "./plexus.js";
export { Presence, type PresenceEvents } from "./presence.js";
export type { PresenceChange } from "./presence-set.js";
export type { Published } from "./publisher.js";
export type { ChannelMessage, Reset } from "./reception.js";
export type { SocketConstructor } from "./socket.js";
export type { ConnectionState } from "./state.js";
export type { Subscribed, SubscribeOptions, SubscriptionState } from "./subscription.js";
