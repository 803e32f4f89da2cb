/** What decides without clock, bus or socket, for whoever runs it in a world of its own: the simulation in `test/`. */
export * from "./presence-view.js";
export * from "./relay.js";
