export * from "./options.js";
export * from "./publish-trace.js";
export * from "./sessions.js";
export * from "./span.js";
export * from "./start.js";
export * from "./tracer.js";
