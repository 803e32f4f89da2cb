export * from "./channel.js";
export * from "./presence.js";
export * from "./window.js";
