/** The local cluster: started by `npm start` for people, and by tests and tools with `startCluster`. */
export type { Exit } from "./child.js";
export { Cluster, type ClusterEvents, type ClusterProcess, startCluster } from "./cluster.js";
export { type DevFile, type DevProcess, devFilePath, type ProcessKind, readDevFile } from "./dev-file.js";
export { ClusterError } from "./errors.js";
export type { ClusterOptions } from "./options.js";
export { ENTRIES, WORKER_FLAGS } from "./plan.js";
