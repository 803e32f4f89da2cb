export * from "./presence-view.js";
export * from "./relay.js";
