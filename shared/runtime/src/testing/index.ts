/** What tests of the processes share. Nothing here is part of a running Plexus. */
export { freePort } from "../ports.js";
export * from "./brokers.js";
export * from "./bus.js";
export * from "./certificate.js";
export * from "./machine.js";
export * from "./quick.js";
export * from "./until.js";
