export * from "./bots.js";
export * from "./capabilities.js";
export * from "./errors.js";
export * from "./frames.js";
export * from "./names.js";
export * from "./parse.js";
export * from "./record.js";
export * from "./subjects.js";
