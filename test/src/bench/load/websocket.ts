/** The same cheap client that `plexus load` uses. */
export {
  encodeTexts,
  type FrameListener,
  LoadWebSocket,
  type WebSocketTarget,
} from "@plexus/deploy/load";
