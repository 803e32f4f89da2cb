/** What decides without clock, bus or broker, for whoever runs it in a world of its own: the simulation in `test/`. */
export * from "./channel.js";
export * from "./loader.js";
export type * from "./log.js";
export * from "./presence.js";
export * from "./reader.js";
export * from "./take-over.js";
export * from "./window.js";
